//! Entities named on the command line: whether the store has them, and of which kind they are.

use wayfare::{EntityName, Graph, Kind};

use super::exit::Failure;
use super::names::suggestion;

/// Kinds that a store keeps, in the order in which a bare entity name is looked for.
pub(crate) const KINDS: [Kind; 4] = [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker];

/// Kinds of what users store. Documents of walkers are the runtime's own, and mean nothing in another store.
pub(crate) const CONTENT: [Kind; 3] = [Kind::Node, Kind::Edge, Kind::Object];

/// Finds the kind of an entity: nodes before edges before objects before walkers, or only edges.
pub(crate) async fn kind_of(
    graph: &Graph,
    entity: &str,
    only_edges: bool,
) -> Result<(Kind, EntityName), Failure> {
    let name = EntityName::new(entity)?;
    let kinds: &[Kind] = if only_edges { &[Kind::Edge] } else { &KINDS };
    for &kind in kinds {
        if exists(graph, kind, name).await? {
            return Ok((kind, name));
        }
    }
    Err(unknown(graph, entity, kinds).await?)
}

/// Refuses entities that no edge of the store has.
pub(crate) async fn check_edges(graph: &Graph, entities: &[String]) -> Result<(), Failure> {
    for entity in entities {
        if !exists(graph, Kind::Edge, EntityName::new(entity)?).await? {
            return Err(unknown(graph, entity, &[Kind::Edge]).await?);
        }
    }
    Ok(())
}

/// Reads one document: counting them, as [`Graph::stats`] does, would take longer than a short walk.
async fn exists(graph: &Graph, kind: Kind, entity: EntityName) -> Result<bool, Failure> {
    Ok(!graph.scan(kind, Some(entity), None, 1).await?.documents.is_empty())
}

async fn unknown(graph: &Graph, entity: &str, kinds: &[Kind]) -> Result<Failure, Failure> {
    let stats = graph.stats().await?;
    let known: Vec<&str> = stats
        .entities
        .iter()
        .filter(|(kind, _, _)| kinds.contains(kind))
        .map(|(_, name, _)| name.as_str())
        .collect();
    let what = if kinds == [Kind::Edge] { "edges of entity" } else { "entity" };
    Ok(Failure::not_found(format!("the store has no {what} `{entity}`{}", suggestion(entity, &known))))
}
