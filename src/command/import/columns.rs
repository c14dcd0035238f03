//! The columns of a table: what each is for, and what is wrong when one is missing.

use super::cell::CellType;
use super::delimiter::{guess, shown};
use super::group::{Form, Group};
use super::split::Splitter;
use crate::command::exit::Failure;
use crate::command::names::suggestion;

/// A column that becomes a field.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    /// Its place in a row.
    pub(super) place: usize,
    /// The name of the field.
    pub(super) name: String,
    /// How its cells are read.
    pub(super) of: CellType,
}

/// The columns of a table.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    /// How many cells a row has.
    pub(super) width: usize,
    /// Those that become fields, in order.
    pub(super) fields: Vec<Column>,
    /// The place of the key, or of the source and the target.
    pub(super) keys: Vec<usize>,
    /// The names of those, for errors.
    pub(super) key_names: Vec<String>,
}

impl Columns {
    /// Works out the columns; `header` is the line that the names were read from, if they were.
    pub(super) fn new(
        names: Vec<String>,
        header: Option<&str>,
        group: &Group,
        form: &Form,
    ) -> Result<Self, Failure> {
        let refuse = |what: String| Failure::bad_input(format!("`{}`: {what}", group.name()));
        let key_names: Vec<&str> = match form {
            Form::Nodes { key, .. } => vec![key],
            Form::Edges { from, to, .. } => vec![&from.column, &to.column],
            Form::Documents { .. } => Vec::new(),
        };
        let missing = |name: &str| refuse(missing(name, &key_names, &names, header, group));
        let mut keys: Vec<usize> = Vec::with_capacity(key_names.len());
        for name in &key_names {
            // Where both ends have one name, as in `Person.id|Person.id`, the first column is the source.
            let place = (0..names.len()).find(|place| names[*place] == *name && !keys.contains(place));
            keys.push(match place {
                Some(place) => place,
                None if names.iter().any(|known| known == name) => {
                    return Err(refuse(format!(
                        "`--from` and `--to` name the same column, `{name}`: each needs its own"
                    )));
                }
                None => return Err(missing(name)),
            });
        }
        for (place, name) in names.iter().enumerate() {
            if !name.is_empty() && !keys.contains(&place) && names[..place].contains(name) {
                let advice = "name the columns with --columns, and pass over the header with --skip 1";
                return Err(refuse(format!("two columns are called `{name}`: {advice}")));
            }
        }
        for (name, _) in &group.types {
            if !names.contains(name) {
                return Err(missing(name));
            }
            if key_names.contains(&name.as_str()) {
                return Err(refuse(format!(
                    "`--types` names `{name}`, which holds keys: they are always text"
                )));
            }
        }
        let type_of = |name: &str| {
            group.types.iter().rev().find(|(of, _)| of == name).map_or(CellType::Auto, |(_, of)| *of)
        };
        let is_node = matches!(form, Form::Nodes { .. });
        let fields = names.iter().enumerate().filter_map(|(place, name)| {
            let is_key = keys.contains(&place);
            // Where an edge leads is told by its ends; a column without a name is often a row number.
            let is_field = !name.is_empty() && (is_node || !is_key);
            let of = if is_key { CellType::Text } else { type_of(name) };
            is_field.then(|| Column { place, name: name.clone(), of })
        });
        let fields = fields.collect();
        let key_names = key_names.iter().map(ToString::to_string).collect();
        Ok(Self { width: names.len(), fields, keys, key_names })
    }

    /// What to tell about a row with another number of cells.
    pub(super) fn wrong_width(&self, cells: usize, line: &str, group: &Group) -> String {
        let fits = |sign| {
            let mut splitter = Splitter::new(sign, group.quote());
            splitter.split(line) && splitter.len() == self.width
        };
        let advice = match guess(group.delimiter(), fits) {
            Some(sign) if cells == 1 => format!("; wrong delimiter? try --delimiter {}", shown(sign)),
            _ => String::new(),
        };
        let plural = if cells == 1 { "" } else { "s" };
        let of = if group.columns.is_some() { "--columns has" } else { "the header has" };
        format!("the row has {cells} cell{plural}, {of} {}{advice}", self.width)
    }
}

/// What to tell when there is no column of a name.
fn missing(name: &str, wanted: &[&str], names: &[String], header: Option<&str>, group: &Group) -> String {
    let Some(header) = header else {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return format!("--columns names no column `{name}`{}", suggestion(name, &names));
    };
    let has_all = |sign| {
        let mut splitter = Splitter::new(sign, group.quote());
        splitter.split(header) && {
            let cells = splitter.cells(header);
            cells.len() > 1 && wanted.iter().all(|name| cells.iter().any(|cell| cell == name))
        }
    };
    if let Some(sign) = guess(group.delimiter(), has_all) {
        let (count, plural) = (names.len(), if names.len() == 1 { "" } else { "s" });
        return format!(
            "there is no column `{name}`: with the delimiter {} the header is {count} column{plural}, `{}`; \
             wrong delimiter? try --delimiter {}",
            shown(group.delimiter()),
            shortened(header),
            shown(sign),
        );
    }
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    format!(
        "there is no column `{name}`{}; a file without a header needs --columns",
        suggestion(name, &names)
    )
}

/// The beginning of a line.
fn shortened(line: &str) -> String {
    const SHOWN: usize = 80;
    let line = super::split::without_line_break(line);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::group::GroupKind;
    use super::*;
    use wayfare::EntityName;

    fn nodes(header: &str, key: &str, types: &[(&str, CellType)]) -> Result<Columns, String> {
        let mut group = Group::new("a.csv".into(), GroupKind::Nodes);
        group.types = types.iter().map(|(name, of)| ((*name).to_owned(), *of)).collect();
        let form = Form::Nodes { entity: EntityName::new("ColA").unwrap(), key: key.to_owned() };
        let names = header.split(',').map(str::to_owned).collect();
        Columns::new(names, Some(header), &group, &form).map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn the_key_of_a_node_is_a_field_and_text() {
        let columns = nodes("code:string,,runways:int,id", "id", &[("runways:int", CellType::Int)]).unwrap();
        let fields: Vec<_> =
            columns.fields.iter().map(|column| (column.place, column.name.as_str(), column.of)).collect();
        let expected = [
            (0, "code:string", CellType::Auto),
            (2, "runways:int", CellType::Int),
            (3, "id", CellType::Text),
        ];
        assert_eq!(fields, expected);
        assert_eq!((columns.width, columns.keys.as_slice()), (4, &[3][..]));
    }

    #[test]
    fn the_ends_of_an_edge_are_no_fields() {
        let mut group = Group::new("a.csv".into(), GroupKind::Edges);
        group.entity = Some("ColR".into());
        group.from = super::super::group::parse_end("origin=ColA").ok();
        group.to = super::super::group::parse_end("dest=ColA").ok();
        let names = ["dest", "km", "origin"].map(str::to_owned).into();
        let columns = Columns::new(names, Some("dest,km,origin"), &group, &group.form().unwrap()).unwrap();
        assert_eq!(columns.fields.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["km"]);
        assert_eq!(columns.keys, [2, 0]);
    }

    #[test]
    fn ends_of_one_name_are_two_columns() {
        let mut group = Group::new("a.csv".into(), GroupKind::Edges);
        group.entity = Some("ColK".into());
        group.from = super::super::group::parse_end("Person.id=ColP").ok();
        group.to = group.from.clone();
        let columns = |header: &str| {
            let names = header.split(',').map(str::to_owned).collect();
            Columns::new(names, Some(header), &group, &group.form().unwrap())
        };
        let both = columns("Person.id,since,Person.id").unwrap();
        assert_eq!((both.keys.as_slice(), both.fields.len()), (&[0, 2][..], 1));
        assert!(columns("Person.id,since").unwrap_err().message().contains("the same column"));
        assert!(columns("Person.id,Person.id,Person.id").unwrap_err().message().contains("two columns"));
    }

    #[test]
    fn a_missing_column_names_the_nearest_or_the_delimiter() {
        let told = |header, key| nodes(header, key, &[]).unwrap_err();
        assert!(told("iata,name", "ieta").contains("did you mean `iata`?"));
        assert!(told("iata,name", "country").contains("there is `iata`, `name`"));
        let piped = told("id|name|city", "id");
        assert!(
            piped.contains("wrong delimiter? try --delimiter '|'") && piped.contains("`id|name|city`"),
            "{piped}"
        );
        assert!(told("id\tname,x", "id").contains("--delimiter tab"));
    }

    #[test]
    fn columns_that_cannot_be_told_apart_and_types_of_none_are_refused() {
        assert!(nodes("id,a,a", "id", &[]).unwrap_err().contains("two columns are called `a`"));
        assert!(nodes("id,a", "id", &[("b", CellType::Int)]).unwrap_err().contains("no column `b`"));
        assert!(nodes("id,a", "id", &[("id", CellType::Int)]).unwrap_err().contains("always text"));
    }

    #[test]
    fn a_row_of_one_cell_has_another_delimiter() {
        let columns = nodes("id,a,b", "id", &[]).unwrap();
        let group = Group::new("a.csv".into(), GroupKind::Nodes);
        assert_eq!(columns.wrong_width(2, "x,y", &group), "the row has 2 cells, the header has 3");
        assert!(columns.wrong_width(1, "x y z", &group).ends_with("try --delimiter space"));
    }
}
