//! The public API and the command on real graphs, held against answers that independent graph libraries gave.
//!
//! What the sets and the measurements are is described beside the data, in the folder that `WAYFARE_DATA` names.
//! Without it these tests skip, aloud.

mod aggregates;
mod best_first;
mod breadth_first;
mod check;
mod command;
mod components;
mod counts;
mod data;
mod depth_first;
mod distances;
mod filtered;
mod graphalytics;
mod loading;
mod queries;
mod sets;
mod subject;
mod walkers;

use std::path::Path;

use serde_json::Value;
use wayfare::{Config, Runtime};

use self::check::Check;
use self::command::Command;
use self::sets::{Load, Set};
use self::subject::{Subject, whole};

/// Brings a set into a store and makes every measurement, through the library and through the command.
async fn measure(set: &Set) {
    let Some(data) = data::folder_of(set.folder) else { return };
    let reference = data::json(&data, "reference.json")["graphs"][set.graph].take();
    assert!(reference.is_object(), "{} has no answers for {}", set.folder, set.graph);
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut check = Check::new(set.graph);
    let command = Command::on(&store);

    if let Load::Command(arguments) = set.load {
        import(&command, &arguments(&data, folder.path()), &reference, &mut check);
    }
    let runtime = start(set, &store);
    if let Load::Batches(records) = set.load {
        records(&data).write_to(&runtime.graph(), reference["directed"] == false).await;
        check.spent_on("writing");
    }
    let subject = Subject::of(set.graph, reference, set.rows, set.typed_ids, &runtime.graph()).await;
    through_library(&subject, &runtime, &mut check).await;
    runtime.shutdown().await;
    through_command(&subject, &command, set.command_rows, &mut check);
    check.conclude();
}

fn start(set: &Set, store: &Path) -> Runtime {
    let settings = Config::builder().store_url(format!("embedded:{}", store.display()));
    Runtime::start(&(set.settings)(settings).build().unwrap()).unwrap()
}

/// Imports by the command, which has to tell of every row as new.
fn import(command: &Command, arguments: &[String], reference: &Value, check: &mut Check) {
    let report = command.run(arguments);
    for (kind, part) in [("node", "nodes"), ("edge", "edges")] {
        let files = report["files"].as_array().expect("an import tells of its files").iter();
        // Lines of JSON are documents, of nodes in these sets.
        let of = files.filter(|file| file["kind"] == kind || (kind == "node" && file["kind"] == "document"));
        let new: u64 = of.map(|file| whole(&file["new"])).sum();
        check.same("import", "", part, &whole(&reference["counts"][part]), &new);
    }
}

async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    counts::through_library(subject, runtime, check).await;
    breadth_first::through_library(subject, runtime, check).await;
    depth_first::through_library(subject, runtime, check).await;
    distances::through_library(subject, runtime, check).await;
    filtered::through_library(subject, runtime, check).await;
    aggregates::through_library(subject, runtime, check).await;
    best_first::through_library(subject, runtime, check).await;
    components::through_library(subject, runtime, check).await;
    queries::through_library(subject, runtime, check).await;
}

fn through_command(subject: &Subject, command: &Command, rows: usize, check: &mut Check) {
    counts::through_command(subject, command, check);
    breadth_first::through_command(subject, command, rows, check);
    depth_first::through_command(subject, command, rows, check);
    distances::through_command(subject, command, rows, check);
    filtered::through_command(subject, command, rows, check);
    aggregates::through_command(subject, command, rows, check);
}

/// A test a graph.
macro_rules! graphs {
    ($($test:ident: $set:ident,)+) => {
        $(#[tokio::test]
        async fn $test() {
            measure(&sets::$set).await;
        })+
    };
}

graphs! {
    air_routes: AIR_ROUTES,
    github_social: GITHUB,
    twitch_engb: TWITCH_ENGB,
    twitch_de: TWITCH_DE,
    roads_23rd: ROADS_23RD,
    roads_ballard: ROADS_BALLARD,
    roads_bremen: ROADS_BREMEN,
    wordnet: WORDNET,
    ldbc_snb: SNB,
    quickstart_flights: FLIGHTS,
    quickstart_miserables: MISERABLES,
    tinkerpop_modern: MODERN,
    tinkerpop_modern_json: MODERN_JSON,
    tinkerpop_classic: CLASSIC,
    tinkerpop_crew: CREW,
    wikipedia_chameleon: CHAMELEON,
    facebook_pages: FACEBOOK,
    deezer_hu: DEEZER,
    freebase_movies: FREEBASE,
    hpo: HPO,
    ego_twitter: TWITTER,
}
