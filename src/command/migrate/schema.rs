//! `wayfare migrate schema`: documents in the schemas of the program's types.

use std::time::Instant;

use clap::Args;
use serde_json::{Map, Value, json};
use wayfare::{EntitySchemas, Id, SchemaMigration};

use crate::command::exit::{Exit, Failure};
use crate::command::progress::Progress;
use crate::command::session::Session;

/// Arguments of `wayfare migrate schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Writes nothing, and tells what would be done
    #[arg(long)]
    dry_run: bool,

    /// Documents in a batch
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
}

/// Migrates, and prints what was found in which schema and what was done.
pub(crate) async fn run(session: &Session, arguments: &SchemaArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let runtime = session.open_existing()?;
    let mut migration = SchemaMigration::default().batch(arguments.batch as usize);
    migration.dry_run = arguments.dry_run;
    let mut progress: Option<Progress> = None;
    let report = runtime
        .migrate_schema(&migration, |report| {
            let bar = progress
                .get_or_insert_with(|| Progress::count(session.quiet, Some(report.total), "migrating"));
            bar.set(report.examined);
        })
        .await?;
    drop(progress);
    runtime.shutdown().await;
    let sum = |of: fn(&EntitySchemas) -> u64| report.entities.iter().map(of).sum::<u64>();
    let (newer, failed) = (sum(|entity| entity.newer), sum(|entity| entity.failed));
    session.output.one(&json!({
        "store": session.config.store.url.to_string(),
        "elapsed_ms": begun.elapsed().as_millis() as u64,
        "dry_run": arguments.dry_run,
        "examined": report.examined,
        "upgraded": sum(|entity| entity.upgraded),
        "newer": newer,
        "failed": failed,
        "entities": report.entities.iter().map(described).collect::<Vec<_>>(),
    }))?;
    let is_unknown = |entity: &EntitySchemas| entity.schema.is_none() && entity.entity != Id::root().entity();
    if report.entities.iter().any(is_unknown) {
        session.note(
            "entities without a schema here have no type in this program: upgrades come with an application, whose \
             `main` calls `wayfare::run_command`",
        );
    }
    if report.is_complete() {
        return Ok(Exit::Done);
    }
    let first = report.entities.iter().flat_map(|entity| &entity.first_failed).next();
    let first = first.map_or_else(String::new, |(id, reason)| format!("; first `{id}`: {reason}"));
    Err(Failure::new(
        Exit::Faults,
        format!("documents left as they are: {newer} of a newer schema, {failed} not upgraded{first}"),
    ))
}

fn described(entity: &EntitySchemas) -> Value {
    let found: Map<String, Value> =
        entity.found.iter().map(|(schema, count)| (schema.to_string(), (*count).into())).collect();
    json!({
        "kind": entity.kind.collection(),
        "entity": entity.entity.as_str(),
        "schema": entity.schema,
        "found": Value::Object(found).to_string(),
        "upgraded": entity.upgraded,
        "newer": entity.newer,
        "failed": entity.failed,
        "first_failed": entity.first_failed.iter().map(|(id, why)| format!("{id}: {why}")).collect::<Vec<_>>(),
    })
}
