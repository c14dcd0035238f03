//! One file of an import with the options that belong to it.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use wayfare::{EntityName, IdError};

use super::cell::CellType;
use super::delimiter::{Sign, usual_for};
use crate::command::names::suggestion;

/// What a file was announced to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupKind {
    Nodes,
    Edges,
}

/// A column with the type given for it.
pub(super) type TypeOf = (String, CellType);

/// `COLUMN=ENTITY` of an end of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) column: String,
    pub(super) entity: EntityName,
}

/// One file with its options; `None` for those that were not given.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) file: PathBuf,
    pub(super) kind: GroupKind,
    pub(super) entity: Option<String>,
    pub(super) key: Option<String>,
    pub(super) from: Option<End>,
    pub(super) to: Option<End>,
    pub(super) undirected: Option<()>,
    pub(super) multi: Option<()>,
    pub(super) delimiter: Option<Sign>,
    pub(super) quote: Option<Option<Sign>>,
    pub(super) types: Vec<TypeOf>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) skip: Option<u64>,
    pub(super) nulls: Vec<String>,
}

/// How the records of a file become documents.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// Each row is a node.
    Nodes { entity: EntityName, key: String },
    /// Each row is an edge.
    Edges { entity: EntityName, from: End, to: End, undirected: bool, multi: bool },
    /// Each line is a document, of this entity where one is given.
    Documents { entity: Option<EntityName> },
}

impl Group {
    pub(super) fn new(file: PathBuf, kind: GroupKind) -> Self {
        Self {
            file,
            kind,
            entity: None,
            key: None,
            from: None,
            to: None,
            undirected: None,
            multi: None,
            delimiter: None,
            quote: None,
            types: Vec::new(),
            columns: None,
            skip: None,
            nulls: Vec::new(),
        }
    }

    /// Refuses options that do not go together.
    pub(super) fn check(&self) -> Result<(), String> {
        self.form().map(|_| ())
    }

    /// The form of the records.
    ///
    /// # Errors
    /// What is missing, or does not belong.
    pub(super) fn form(&self) -> Result<Form, String> {
        let entity = self.entity.as_deref().map(EntityName::new).transpose();
        let entity = entity.map_err(|error: IdError| format!("{self}: {error}"))?;
        if self.holds_documents() {
            return match self.options_of_tables().first() {
                None => Ok(Form::Documents { entity }),
                Some(option) => Err(format!(
                    "`{option}` is for tables, and {self} holds JSON Lines, where each line is a whole document"
                )),
            };
        }
        let needs = |option: &str, meaning: &str| format!("{self} needs `{option}`: {meaning}");
        let entity = entity.ok_or_else(|| match self.kind {
            GroupKind::Nodes => needs("--entity ENTITY", "what its nodes are, such as `Airport`"),
            GroupKind::Edges => needs("--entity ENTITY", "what its edges are, such as `Route`"),
        })?;
        match self.kind {
            GroupKind::Nodes => {
                self.refuse("edges", &[("--from", self.from.is_some()), ("--to", self.to.is_some())])?;
                let flags = [("--undirected", self.undirected.is_some()), ("--multi", self.multi.is_some())];
                self.refuse("edges", &flags)?;
                let key = self.key.clone();
                let key = key.ok_or_else(|| needs("--key COLUMN", "which column tells its nodes apart"))?;
                Ok(Form::Nodes { entity, key })
            }
            GroupKind::Edges => {
                self.refuse("nodes", &[("--key", self.key.is_some())])?;
                let end = |option: &str, end: &Option<End>| {
                    let meaning = "which column holds the key of that node, and what that node is";
                    end.clone().ok_or_else(|| needs(&format!("{option} COLUMN=ENTITY"), meaning))
                };
                let (from, to) = (end("--from", &self.from)?, end("--to", &self.to)?);
                let (undirected, multi) = (self.undirected.is_some(), self.multi.is_some());
                Ok(Form::Edges { entity, from, to, undirected, multi })
            }
        }
    }

    fn refuse(&self, others: &str, options: &[(&str, bool)]) -> Result<(), String> {
        match options.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(format!("`{option}` is for {others}, it does not belong to {self}")),
            None => Ok(()),
        }
    }

    /// Whether the file holds JSON Lines: by its name, or for standard input when nothing describes a table.
    fn holds_documents(&self) -> bool {
        let name = self.plain_name();
        let by_name = [".jsonl", ".ndjson", ".json"].iter().any(|end| name.ends_with(end));
        by_name || (self.is_standard_input() && self.options_of_tables().is_empty())
    }

    fn options_of_tables(&self) -> Vec<&'static str> {
        [
            ("--key", self.key.is_some()),
            ("--from", self.from.is_some()),
            ("--to", self.to.is_some()),
            ("--undirected", self.undirected.is_some()),
            ("--multi", self.multi.is_some()),
            ("--delimiter", self.delimiter.is_some()),
            ("--quote", self.quote.is_some()),
            ("--types", !self.types.is_empty()),
            ("--columns", self.columns.is_some()),
            ("--skip", self.skip.is_some()),
            ("--null", !self.nulls.is_empty()),
        ]
        .into_iter()
        .filter_map(|(option, given)| given.then_some(option))
        .collect()
    }

    /// Whether the file is `-`.
    pub(super) fn is_standard_input(&self) -> bool {
        self.file == Path::new("-")
    }

    /// The sign between cells.
    pub(super) fn delimiter(&self) -> Sign {
        self.delimiter.unwrap_or_else(|| usual_for(&self.plain_name()))
    }

    /// The sign around cells.
    pub(super) fn quote(&self) -> Option<Sign> {
        self.quote.unwrap_or(Some(b'"'))
    }

    /// The file as the user named it.
    pub(super) fn name(&self) -> String {
        self.file.display().to_string()
    }

    /// The name without `.gz`, in lower case.
    fn plain_name(&self) -> String {
        let name = self.name().to_lowercase();
        name.strip_suffix(".gz").map_or_else(|| name.clone(), str::to_owned)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = match self.kind {
            GroupKind::Nodes => "--nodes",
            GroupKind::Edges => "--edges",
        };
        write!(f, "`{option} {}`", self.name())
    }
}

/// Reads `COLUMN=ENTITY`.
pub(super) fn parse_end(text: &str) -> Result<End, String> {
    // A column may hold `=`, an entity hardly does.
    let parts = text.rsplit_once('=').filter(|(column, _)| !column.is_empty());
    let (column, entity) = parts.ok_or("write COLUMN=ENTITY, such as `origin=Airport`")?;
    let entity = EntityName::new(entity).map_err(|error| error.to_string())?;
    Ok(End { column: column.to_owned(), entity })
}

/// Reads `name=int,other=text`.
pub(super) fn parse_types(text: &str) -> Result<Vec<TypeOf>, String> {
    text.split(',').map(parse_type).collect()
}

fn parse_type(text: &str) -> Result<TypeOf, String> {
    let parts = text.rsplit_once('=').filter(|(column, _)| !column.is_empty());
    let (column, name) =
        parts.ok_or_else(|| format!("`{text}` is not `COLUMN=TYPE`, such as `runways=int`"))?;
    let cell_type = CellType::from_str(name, false).map_err(|_| {
        let names = ["int", "float", "bool", "text", "json", "auto"];
        format!("`{name}` is no type of a column{}", suggestion(name, &names))
    })?;
    Ok((column.to_owned(), cell_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_belong_to_columns_whose_names_may_hold_signs() {
        let types = parse_types("a=int,runways:int=text,b=c=json").unwrap();
        let expected = [("a", CellType::Int), ("runways:int", CellType::Text), ("b=c", CellType::Json)];
        assert_eq!(types, expected.map(|(name, of)| (name.to_owned(), of)));
        assert!(parse_types("a").unwrap_err().contains("COLUMN=TYPE"));
        assert!(parse_types("a=flaot").unwrap_err().contains("did you mean `float`?"));
    }

    #[test]
    fn ends_are_columns_of_an_entity() {
        let end = parse_end("~from=Airport").unwrap();
        assert_eq!((end.column.as_str(), end.entity.as_str()), ("~from", "Airport"));
        for bad in ["from", "=Airport", "from=", "from=a.b"] {
            assert!(parse_end(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_tell_the_form() {
        let group = |file: &str| Group::new(file.into(), GroupKind::Nodes);
        for name in ["a.jsonl", "a.ndjson", "a.JSON.GZ", "-"] {
            assert!(group(name).holds_documents(), "{name}");
        }
        for name in ["a.csv", "a.json.csv", "a", "a.csv.gz"] {
            assert!(!group(name).holds_documents(), "{name}");
        }
        let table = Group { key: Some("id".into()), ..group("-") };
        assert!(!table.holds_documents());
        assert_eq!(group("x.tsv.gz").delimiter(), b'\t');
    }
}
