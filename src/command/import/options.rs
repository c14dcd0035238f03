//! The options of `wayfare import`, each belonging to the file it follows.

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PathBufValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::delimiter::{Sign, parse_delimiter, parse_quote};
use super::group::{End, Group, GroupKind, TypeOf, parse_end, parse_types};

/// The groups of a command line; a mistake in their make-up is told when they are used.
#[derive(Debug, Clone)]
pub(crate) struct GroupArgs(pub(super) Result<Vec<Group>, String>);

/// One option with its value.
#[derive(Debug)]
enum Word {
    Nodes(PathBuf),
    Edges(PathBuf),
    Entity(String),
    Key(String),
    From(End),
    To(End),
    Undirected,
    Multi,
    Delimiter(Sign),
    Quote(Option<Sign>),
    Types(Vec<TypeOf>),
    Columns(String),
    Skip(u64),
    Null(String),
}

impl Args for GroupArgs {
    fn augment_args(command: Command) -> Command {
        command.args(file_options()).args(node_and_edge_options()).args(table_options())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).action(ArgAction::Append)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    // A flag that is counted or set would not tell after which file it stood.
    let flag = Arg::new(name).long(name).help(help).action(ArgAction::Append);
    flag.num_args(0).default_missing_value("true").value_parser(value_parser!(bool))
}

fn file_options() -> [Arg; 2] {
    let file =
        |name, help| option(name, "FILE", help).value_parser(PathBufValueParser::new()).help_heading("Files");
    [
        file(
            "nodes",
            "Nodes: CSV or TSV, or JSON Lines of documents (.jsonl, .ndjson, .json), plain or gzipped; `-` is \
             standard input. May be given several times; the options below belong to the file they follow",
        ),
        file("edges", "Edges, in the same forms. Files are imported in the order given"),
    ]
}

fn node_and_edge_options() -> [Arg; 6] {
    let text = |name, value, help| option(name, value, help).value_parser(NonEmptyStringValueParser::new());
    [
        text("entity", "ENTITY", "The entity of the nodes or edges, such as `Airport`"),
        text("key", "COLUMN", "Nodes: the column that holds the key, so that the id is n.ENTITY.KEY"),
        option(
            "from",
            "COLUMN=ENTITY",
            "Edges: the column with the key of the source, and the entity of the source",
        )
        .value_parser(parse_end),
        option("to", "COLUMN=ENTITY", "Edges: the same for the target").value_parser(parse_end),
        flag("undirected", "Edges: they can be followed from either end"),
        flag(
            "multi",
            "Edges: parallel ones are kept apart, the n-th in the file being the n-th in the store",
        ),
    ]
    .map(|arg| arg.help_heading("Nodes and edges"))
}

fn table_options() -> [Arg; 6] {
    [
        option("delimiter", "SIGN", "The sign between cells: `,` `|` `;` `\\t` `tab` `space` … [default: tab for .tsv, else `,`]")
            .value_parser(parse_delimiter),
        option("quote", "SIGN", "The sign around cells, or `none` where quotes have no meaning [default: `\"`]")
            .value_parser(parse_quote),
        option("types", "name=type,…", "Types of columns: int, float, bool, text, json, auto [default: auto]")
            .value_parser(parse_types),
        option("columns", "a,b,c", "The names of the columns, for a file without a header"),
        option("skip", "N", "Lines to pass over before the header, or before the first row where --columns is given")
            .value_parser(value_parser!(u64)),
        option("null", "TEXT", "A cell that stands for nothing, such as `\\N`; empty cells always do. May be given several times")
            .allow_hyphen_values(true),
    ]
    .map(|arg| arg.help_heading("Tables"))
}

impl FromArgMatches for GroupArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut words = Vec::new();
        place(matches, "nodes", Word::Nodes, &mut words);
        place(matches, "edges", Word::Edges, &mut words);
        place(matches, "entity", Word::Entity, &mut words);
        place(matches, "key", Word::Key, &mut words);
        place(matches, "from", Word::From, &mut words);
        place(matches, "to", Word::To, &mut words);
        place(matches, "undirected", |_: bool| Word::Undirected, &mut words);
        place(matches, "multi", |_: bool| Word::Multi, &mut words);
        place(matches, "delimiter", Word::Delimiter, &mut words);
        place(matches, "quote", Word::Quote, &mut words);
        place(matches, "types", Word::Types, &mut words);
        place(matches, "columns", Word::Columns, &mut words);
        place(matches, "skip", Word::Skip, &mut words);
        place(matches, "null", Word::Null, &mut words);
        words.sort_by_key(|(at, _)| *at);
        Ok(Self(grouped(words.into_iter().map(|(_, word)| word))))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Adds the values of an option with their places on the command line.
fn place<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    name: &str,
    word: impl Fn(T) -> Word,
    words: &mut Vec<(usize, Word)>,
) {
    let places = matches.indices_of(name).into_iter().flatten();
    let values = matches.get_many::<T>(name).into_iter().flatten();
    words.extend(places.zip(values).map(|(at, value)| (at, word(value.clone()))));
}

fn grouped(words: impl Iterator<Item = Word>) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = Vec::new();
    for word in words {
        let word = match word {
            Word::Nodes(file) => {
                groups.push(Group::new(file, GroupKind::Nodes));
                continue;
            }
            Word::Edges(file) => {
                groups.push(Group::new(file, GroupKind::Edges));
                continue;
            }
            word => word,
        };
        let name = word.name();
        let group = groups.last_mut().ok_or_else(|| {
            format!("`{name}` stands before any file: put it after the `--nodes` or `--edges` it belongs to")
        })?;
        if !word.put_into(group) {
            return Err(format!("`{name}` is given twice for {group}: each file takes one"));
        }
    }
    if groups.is_empty() {
        return Err(
            "nothing to import: give `--nodes FILE` or `--edges FILE`, and after each file its options"
                .to_owned(),
        );
    }
    groups.iter().try_for_each(Group::check)?;
    Ok(groups)
}

impl Word {
    fn name(&self) -> &'static str {
        match self {
            Self::Nodes(_) => "--nodes",
            Self::Edges(_) => "--edges",
            Self::Entity(_) => "--entity",
            Self::Key(_) => "--key",
            Self::From(_) => "--from",
            Self::To(_) => "--to",
            Self::Undirected => "--undirected",
            Self::Multi => "--multi",
            Self::Delimiter(_) => "--delimiter",
            Self::Quote(_) => "--quote",
            Self::Types(_) => "--types",
            Self::Columns(_) => "--columns",
            Self::Skip(_) => "--skip",
            Self::Null(_) => "--null",
        }
    }

    /// Puts it into its group; `false` when it is there already.
    fn put_into(self, group: &mut Group) -> bool {
        fn put<T>(place: &mut Option<T>, value: T) -> bool {
            place.replace(value).is_none()
        }
        match self {
            Self::Nodes(_) | Self::Edges(_) => false,
            Self::Entity(entity) => put(&mut group.entity, entity),
            Self::Key(column) => put(&mut group.key, column),
            Self::From(end) => put(&mut group.from, end),
            Self::To(end) => put(&mut group.to, end),
            Self::Undirected => put(&mut group.undirected, ()),
            Self::Multi => put(&mut group.multi, ()),
            Self::Delimiter(sign) => put(&mut group.delimiter, sign),
            Self::Quote(sign) => put(&mut group.quote, sign),
            Self::Columns(names) => put(&mut group.columns, names.split(',').map(str::to_owned).collect()),
            Self::Skip(lines) => put(&mut group.skip, lines),
            Self::Types(types) => {
                group.types.extend(types);
                true
            }
            Self::Null(text) => {
                group.nulls.push(text);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        groups: GroupArgs,
    }

    fn groups(line: &str) -> Result<Vec<Group>, String> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        Line::try_parse_from(["import"].into_iter().chain(words)).map_err(|error| error.to_string())?.groups.0
    }

    #[test]
    fn each_option_belongs_to_the_file_it_follows() {
        let groups = groups(
            "--nodes a.csv --entity A --key id --null x --null -9 --edges b.tsv --entity B --from s=A --to t=A --multi \
             --undirected --nodes c.csv --key k --entity C --delimiter | --types n=int,x=text --edges d.csv \
             --from s=A --to t=C --entity D",
        )
        .unwrap();
        let entities: Vec<_> = groups.iter().map(|group| group.entity.as_deref()).collect();
        assert_eq!(entities, [Some("A"), Some("B"), Some("C"), Some("D")]);
        assert_eq!(groups[0].nulls, ["x", "-9"]);
        assert_eq!((groups[1].multi, groups[1].undirected), (Some(()), Some(())));
        assert_eq!((groups[3].multi, groups[3].undirected), (None, None));
        assert_eq!((groups[0].delimiter, groups[2].delimiter), (None, Some(b'|')));
        assert_eq!(groups[2].types.len(), 2);
        assert!(groups[0].types.is_empty());
    }

    #[test]
    fn misplaced_options_are_told() {
        for (line, part) in [
            ("", "nothing to import"),
            ("--entity A --nodes a.csv --key id", "`--entity` stands before any file"),
            ("--nodes a.csv --entity A --entity B --key id", "`--entity` is given twice for `--nodes a.csv`"),
            ("--nodes a.csv --key id", "`--nodes a.csv` needs `--entity ENTITY`"),
            ("--nodes a.csv --entity A", "`--nodes a.csv` needs `--key COLUMN`"),
            ("--nodes a.csv --entity A --key id --from a=B", "`--from` is for edges"),
            ("--edges a.csv --entity A --from a=B", "`--edges a.csv` needs `--to COLUMN=ENTITY`"),
            ("--edges a.csv --entity A --from a=B --to b=B --key c", "`--key` is for nodes"),
            ("--nodes a.jsonl --key id", "`--key` is for tables"),
            ("--nodes a.jsonl.gz --delimiter ;", "`--delimiter` is for tables"),
            ("--nodes a.csv --entity a.b --key id", "not an entity name"),
            ("--nodes a.csv --entity A --key id --types n=integer", "`integer`"),
            ("--edges a.csv --entity A --from a --to b=B", "COLUMN=ENTITY"),
        ] {
            let told = groups(line).unwrap_err();
            assert!(told.contains(part), "{line}: {told}");
        }
    }

    #[test]
    fn documents_need_no_options() {
        assert_eq!(groups("--nodes a.jsonl --edges b.ndjson.gz --nodes - --edges c.JSON").unwrap().len(), 4);
    }
}
