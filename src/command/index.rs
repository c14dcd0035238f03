//! `wayfare index`: what indexes there are, making, dropping and renaming them.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use wayfare::{EntityName, Filter, Graph, Index, Kind};

use super::exit::{Exit, Failure};
use super::names::suggestion;
use super::session::Session;
use super::subject::kind_of;

/// What to do with indexes.
#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Shows the indexes of the store, or those of an entity
    List {
        /// The entity, such as `Airport`
        entity: Option<String>,
    },
    /// Makes an index; does nothing where it exists
    Create(CreateArgs),
    /// Removes an index
    Drop {
        #[command(flatten)]
        of: OfEntity,
        /// Its name, as `wayfare index list` shows it
        name: String,
    },
    /// Gives an index another name
    Rename {
        #[command(flatten)]
        of: OfEntity,
        /// Its name, as `wayfare index list` shows it
        from: String,
        /// The new name
        to: String,
    },
}

/// The entity of an index.
#[derive(Debug, Args)]
pub(crate) struct OfEntity {
    /// The entity, such as `Airport`
    entity: String,

    /// Its kind, needed where the store has no document of the entity yet, or has it in several kinds
    #[arg(long, value_name = "KIND")]
    kind: Option<IndexedKind>,
}

/// Kinds that can have indexes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum IndexedKind {
    /// Nodes
    Node,
    /// Edges
    Edge,
    /// Objects
    Object,
}

/// Arguments of `wayfare index create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    of: OfEntity,

    /// The fields, most significant first, such as `email` or `country,elev:-1`; -1 is largest first
    #[arg(long, value_name = "FIELD:1|-1,…")]
    keys: String,

    /// Two documents may not share the values of all keys
    #[arg(long)]
    unique: bool,

    /// Only documents that satisfy a filter are in the index
    #[arg(long, value_name = "JSON")]
    partial: Option<Filter>,

    /// A name of its own [default: made of the keys, such as `context.email_1`]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Does it, and shows the index it was about.
pub(crate) async fn run(session: &Session, command: IndexCommand) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let graph = runtime.graph();
    match command {
        IndexCommand::List { entity } => list(session, &graph, entity.as_deref()).await?,
        IndexCommand::Create(arguments) => create(session, &graph, arguments).await?,
        IndexCommand::Drop { of, name } => {
            let (kind, entity) = of.find(&graph).await?;
            let dropped = runtime.handle().drop_index(kind, entity, name.clone()).await?;
            let index = found(&graph, kind, entity, &name, dropped).await?;
            session.output.one(&json!({"entity": entity.as_str(), "dropped": index}))?;
        }
        IndexCommand::Rename { of, from, to } => {
            let (kind, entity) = of.find(&graph).await?;
            let renamed = runtime.handle().rename_index(kind, entity, from.clone(), to.clone()).await?;
            let index = found(&graph, kind, entity, &from, renamed).await?;
            session.output.one(&json!({"entity": entity.as_str(), "renamed": index, "name": to}))?;
        }
    }
    runtime.shutdown().await;
    Ok(Exit::Done)
}

impl OfEntity {
    async fn find(&self, graph: &Graph) -> Result<(Kind, EntityName), Failure> {
        let kind = match self.kind {
            None => return kind_of(graph, &self.entity, false).await,
            Some(IndexedKind::Node) => Kind::Node,
            Some(IndexedKind::Edge) => Kind::Edge,
            Some(IndexedKind::Object) => Kind::Object,
        };
        Ok((kind, EntityName::new(&self.entity)?))
    }
}

async fn list(session: &Session, graph: &Graph, entity: Option<&str>) -> Result<(), Failure> {
    let mut indexes = graph.stats().await?.indexes;
    if let Some(entity) = entity {
        let name = EntityName::new(entity)?;
        indexes.retain(|index| index.entity == name);
        if indexes.is_empty() {
            // An entity that is not there is a slip; one without indexes is none.
            kind_of(graph, entity, false).await?;
        }
    }
    indexes.sort_by_key(|index| (index.kind.collection(), index.entity.as_str(), index.name()));
    session.output.list(&indexes.iter().map(described).collect::<Vec<_>>())
}

async fn create(session: &Session, graph: &Graph, arguments: CreateArgs) -> Result<(), Failure> {
    let (kind, entity) = arguments.of.find(graph).await?;
    let keys =
        parse_keys(&arguments.keys).map_err(|reason| Failure::bad_input(format!("--keys: {reason}")))?;
    let mut index = Index::new(kind, entity, keys.iter().map(|(field, _)| field)).unique(arguments.unique);
    let descending = keys.into_iter().filter(|(_, descending)| *descending);
    index.descending = descending.map(|(field, _)| field).collect();
    index.partial = arguments.partial.unwrap_or_default();
    index.name = arguments.name;
    let shown = described(&index);
    graph.make_index(index).await?;
    session.output.one(&shown)
}

/// Reads `a,b:-1`: names of fields, and whether they descend.
fn parse_keys(text: &str) -> Result<Vec<(String, bool)>, String> {
    text.split(',')
        .map(|key| {
            let (field, order) = key.rsplit_once(':').unwrap_or((key, "1"));
            let field = field.strip_prefix("context.").unwrap_or(field);
            match order {
                _ if field.is_empty() => Err("a field's name is missing".to_owned()),
                "1" => Ok((field.to_owned(), false)),
                "-1" => Ok((field.to_owned(), true)),
                _ => Err(format!("`{key}` is no key: write `FIELD`, `FIELD:1` or `FIELD:-1`")),
            }
        })
        .collect()
}

/// The name of an index that there was; else what there is.
async fn found(
    graph: &Graph,
    kind: Kind,
    entity: EntityName,
    name: &str,
    was_there: bool,
) -> Result<String, Failure> {
    if was_there {
        return Ok(name.to_owned());
    }
    let indexes = graph.stats().await?.indexes;
    let of_entity = indexes.iter().filter(|index| (index.kind, index.entity) == (kind, entity));
    let names: Vec<String> = of_entity.map(Index::name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Err(Failure::not_found(format!("{entity} has no index `{name}`{}", suggestion(name, &names))))
}

fn described(index: &Index) -> Value {
    let order = |field: &String| if index.descending.contains(field) { -1 } else { 1 };
    let keys: Vec<String> = index.fields.iter().map(|field| format!("{field}:{}", order(field))).collect();
    let partial = if index.partial.is_all() { Value::Null } else { index.partial.to_value() };
    json!({
        "kind": index.kind.collection(),
        "entity": index.entity.as_str(),
        "name": index.name(),
        "keys": keys.join(","),
        "unique": index.unique,
        "partial": partial.is_object().then(|| partial.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_direction_and_their_names_may_be_whole_paths() {
        let keys = parse_keys("email,context.age:-1,a.b:1").unwrap();
        assert_eq!(keys, [("email".into(), false), ("age".into(), true), ("a.b".into(), false)]);
        for bad in ["", "a,", "a:2", "a:0", "a:-2", ":1"] {
            assert!(parse_keys(bad).is_err(), "{bad}");
        }
    }
}
