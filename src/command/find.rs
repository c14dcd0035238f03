//! `wayfare find`: documents of an entity.

use clap::Args;
use serde_json::{Value, json};
use wayfare::{Cursor, Document, Filter, FoundPage, Graph, Query};

use super::exit::{Exit, Failure};
use super::output::to_value;
use super::paths::{parse_path, parse_projection, parse_sort};
use super::session::Session;
use super::subject::kind_of;

/// Arguments of `wayfare find`.
#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// The entity, such as `Airport`
    entity: String,

    /// Only documents that satisfy a filter of MongoDB's language, such as `{"context.country": "US"}`
    #[arg(long, value_name = "JSON")]
    filter: Option<Filter>,

    /// Only these fields, separated by commas; `name` means `context.name`
    #[arg(long, value_name = "a,b")]
    project: Option<String>,

    /// The order, such as `elev:-1,code:1`; -1 is largest first [default: by id]
    #[arg(long, value_name = "FIELD:1|-1,…")]
    sort: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Leaves out so many of the first
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,

    /// Gives one page with `next`, which `--after` takes: `{"documents": […], "next": "…"}`; --limit is its size
    #[arg(long)]
    page: bool,

    /// Gives the page after the `next` of a page; the entity, the filter and the order must be the same
    #[arg(long, value_name = "NEXT", conflicts_with = "skip")]
    after: Option<Cursor>,

    /// Gives the different values of a field instead of documents, of lists their members
    #[arg(long, value_name = "FIELD", conflicts_with_all = ["project", "sort", "limit", "skip", "page", "after"])]
    distinct: Option<String>,

    /// Finds edges, also where there are nodes of the entity
    #[arg(long)]
    edges: bool,

    /// Says how the store would find the documents, instead of finding them
    #[arg(long)]
    explain: bool,
}

/// Prints the documents found, or how they would be.
pub(crate) async fn run(session: &Session, arguments: FindArgs) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let graph = runtime.graph();
    let (kind, entity) = kind_of(&graph, &arguments.entity, arguments.edges).await?;
    let sort = arguments.sort.as_deref().map(|sort| parse_sort(sort, kind)).transpose();
    let projection = arguments.project.as_deref().map(|paths| parse_projection(paths, kind)).transpose();
    let query = Query {
        filter: arguments.filter.unwrap_or_default(),
        sort: sort.map_err(|reason| Failure::bad_input(format!("--sort: {reason}")))?.unwrap_or_default(),
        skip: arguments.skip,
        limit: arguments.limit,
        projection: projection.map_err(|reason| Failure::bad_input(format!("--project: {reason}")))?,
        ..Query::entity(kind, entity)
    };
    let shown = if arguments.explain {
        session.output.one(&to_value(&graph.explain(query).await?)?)
    } else if let Some(field) = &arguments.distinct {
        let path = parse_path(field, kind);
        let path = path.map_err(|reason| Failure::bad_input(format!("--distinct: {reason}")))?;
        let values = graph.distinct(query, &path).await?;
        let rows: Vec<Value> = values.into_iter().map(|value| json!({ "value": value })).collect();
        session.output.list(&rows)
    } else if arguments.page || arguments.after.is_some() {
        session.output.one(&page(&graph, query, arguments.after.as_ref()).await?)
    } else {
        session.output.documents(&shown(&graph.find_documents(query).await?)?)
    };
    shown?;
    runtime.shutdown().await;
    Ok(Exit::Done)
}

async fn page(graph: &Graph, query: Query, after: Option<&Cursor>) -> Result<Value, Failure> {
    let FoundPage { items, next, .. } = graph.find_page(query, after).await?;
    Ok(json!({"documents": shown(&items)?, "next": next}))
}

fn shown(documents: &[Document]) -> Result<Vec<Value>, Failure> {
    Ok(documents.iter().map(Document::to_json).collect::<Result<_, _>>()?)
}
