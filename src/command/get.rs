//! `wayfare get`: documents by id.

use clap::Args;
use wayfare::Id;

use super::exit::{Exit, Failure};
use super::session::Session;

/// Arguments of `wayfare get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Ids such as `n.Airport.JFK`
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Id>,
}

/// Prints what is found, in the order asked for, and names what is not.
pub(crate) async fn run(session: &Session, arguments: GetArgs) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let documents = runtime.graph().documents(&arguments.ids).await?;
    let found = documents.iter().flatten().map(wayfare::Document::to_json).collect::<Result<Vec<_>, _>>()?;
    session.output.documents(&found)?;
    runtime.shutdown().await;
    let missing: Vec<String> = arguments
        .ids
        .iter()
        .zip(&documents)
        .filter(|(_, found)| found.is_none())
        .map(|(id, _)| format!("`{id}`"))
        .collect();
    match missing.as_slice() {
        [] => Ok(Exit::Done),
        [one] => Err(Failure::not_found(format!("{one} does not exist"))),
        many => Err(Failure::not_found(format!("{} do not exist", many.join(", ")))),
    }
}
