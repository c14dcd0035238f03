//! `wayfare migrate`: documents in the form that this release, or this application, writes.

mod schema;
mod versions;

use clap::Subcommand;

use super::exit::{Exit, Failure};
use super::session::Session;

/// What to bring up to date.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Gives `_version` 0 to documents that have no version, as those of jvspatial. May run beside writers, and
    /// be broken off and begun again
    Versions(versions::VersionsArgs),
    /// Brings documents to the schemas of the entity types that this program has, by their upgrades. May run beside
    /// writers, and be broken off and begun again
    Schema(schema::SchemaArgs),
}

/// Runs one of them.
pub(crate) async fn run(session: &Session, command: MigrateCommand) -> Result<Exit, Failure> {
    match command {
        MigrateCommand::Versions(arguments) => versions::run(session, &arguments).await,
        MigrateCommand::Schema(arguments) => schema::run(session, &arguments).await,
    }
}
