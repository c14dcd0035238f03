//! `wayfare count`: how many documents there are.

use clap::Args;
use serde_json::{Map, Value, json};
use wayfare::{Filter, Graph, Kind, Query};

use super::exit::{Exit, Failure};
use super::session::Session;
use super::subject::{CONTENT, kind_of};

/// Arguments of `wayfare count`.
#[derive(Debug, Args)]
pub(crate) struct CountArgs {
    /// The entity, such as `Airport`; without one, all nodes, edges and objects are counted. `Walk` is for walks that the store
    /// keeps
    entity: Option<String>,

    /// Only documents that satisfy a filter of MongoDB's language, such as `{"context.country": "US"}`
    #[arg(long, value_name = "JSON")]
    filter: Option<Filter>,

    /// Counts edges, also where there are nodes of the entity
    #[arg(long)]
    edges: bool,
}

/// Prints `{"entity", "kind", "count"}`, or the number of each kind.
pub(crate) async fn run(session: &Session, arguments: CountArgs) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let graph = runtime.graph();
    let filter = arguments.filter.unwrap_or_default();
    let counted = match &arguments.entity {
        Some(entity) => {
            let (kind, entity) = kind_of(&graph, entity, arguments.edges).await?;
            let count = graph.count(Query { filter, ..Query::entity(kind, entity) }).await?;
            json!({"entity": entity.as_str(), "kind": kind.collection(), "count": count})
        }
        None => count_kinds(&graph, &filter, arguments.edges).await?,
    };
    session.output.one(&counted)?;
    runtime.shutdown().await;
    Ok(Exit::Done)
}

async fn count_kinds(graph: &Graph, filter: &Filter, only_edges: bool) -> Result<Value, Failure> {
    let mut counts = Map::new();
    for kind in CONTENT.into_iter().filter(|kind| !only_edges || *kind == Kind::Edge) {
        let query = Query { filter: filter.clone(), ..Query::kind(kind) };
        counts.insert(format!("{}s", kind.collection()), graph.count(query).await?.into());
    }
    Ok(Value::Object(counts))
}
