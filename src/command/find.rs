//! `wayfare find`: documents of an entity.

use clap::Args;
use wayfare::{Filter, Query};

use super::exit::{Exit, Failure};
use super::output::to_value;
use super::paths::{parse_projection, parse_sort};
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
    if arguments.explain {
        session.output.one(&to_value(&graph.explain(query).await?)?)?;
        runtime.shutdown().await;
        return Ok(Exit::Done);
    }
    let documents = graph.find_documents(query).await?;
    let found = documents.iter().map(wayfare::Document::to_json).collect::<Result<Vec<_>, _>>()?;
    session.output.documents(&found)?;
    runtime.shutdown().await;
    Ok(Exit::Done)
}
