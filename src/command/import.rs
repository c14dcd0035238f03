//! `wayfare import`: nodes and edges from files.

mod apply;
mod batches;
mod cell;
mod columns;
mod delimiter;
mod documents;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod group;
mod input;
mod lines;
mod occurrences;
mod options;
mod records;
mod report;
mod split;
mod table;

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::{Args, ValueEnum};
use wayfare::{Graph, Kind, Runtime};

use self::group::{Form, Group, GroupKind};
use self::input::Input;
use self::occurrences::Occurrences;
use self::options::GroupArgs;
use self::records::{NewEdgeId, Records};
use self::report::{FileReport, TOLD};
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::session::Session;

const RULES: &str = "\
Each option belongs to the file it follows:
  wayfare import --nodes airports.csv --entity Airport --key iata \\
                 --edges routes.csv.gz --entity Route --from origin=Airport --to destination=Airport
  wayfare import --nodes export.jsonl

Rows become documents:
  A node's id is n.ENTITY.KEY, and every column becomes a field of the same name; so does every
  column of an edge but those of its ends. (Ends may have one name, as in `Person.id,Person.id`:
  the first is the source.) Empty cells are left out, and so are columns without a name. Header
  cells are taken as they are, `code:string` too. Keys are text.
  Cells are whole numbers (`12`, `-3`), numbers with digits on both sides of a point (`0.5`),
  booleans (true, True, TRUE and the same of false), or text. `007`, `+1`, `.5`, `1e5`, `NaN` and
  whole numbers beyond 64 bits stay text, unless --types says otherwise.
  JSON Lines hold whole documents of any kind, as `wayfare export` writes them; --nodes and
  --edges take them alike. Their ids are kept, their versions are not.

Importing again is an upsert: fields are written over those that are stored, others stay. An edge
is known by its source, target and entity; with --multi the n-th such row is the n-th such edge.
A key that occurs twice in a file is written twice, the later row over the earlier; `duplicates`
counts such rows. Lines and records may be 64 MiB long. Each batch of up to 32,768 rows is one
durable commit: what was committed stays, whatever happens then.

Exit codes: 0 all rows imported; 1 the store failed; 2 bad input, such as a missing file or
column: all files but pipes are looked at before anything is written; 3 rows were rejected";

/// Arguments of `wayfare import`.
#[derive(Debug, Args)]
#[command(after_help = RULES)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    groups: GroupArgs,

    /// What to do at a row that cannot be imported
    #[arg(long, value_enum, default_value_t = OnError::Stop)]
    on_error: OnError,
}

/// What to do at a row that cannot be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Imports the rows before it and nothing after it
    Stop,
    /// Leaves it out and goes on
    Skip,
}

/// Imports all files and prints the report.
pub(crate) async fn run(session: &Session, arguments: &ImportArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let groups = arguments.groups.0.clone().map_err(Failure::bad_input)?;
    look_at_files(&groups)?;
    let runtime = session.open()?;
    let mut import = Import {
        session,
        graph: runtime.graph(),
        stop: arguments.on_error == OnError::Stop,
        occurrences: Occurrences::default(),
        files: Vec::new(),
    };
    let imported = import.all(&runtime, groups).await;
    let files = import.files;
    runtime.shutdown().await;
    session.output.one(&report::whole(&files, begun)?)?;
    imported
}

/// Refuses what can be seen to be wrong before anything is written: a missing file, a header without the key.
///
/// Standard input and pipes can be read once only, so they are not looked at.
fn look_at_files(groups: &[Group]) -> Result<(), Failure> {
    for group in groups.iter().filter(|group| !group.is_standard_input()) {
        let is_pipe = fs::metadata(&group.file).is_ok_and(|file| !file.is_file() && !file.is_dir());
        if !is_pipe {
            let input = Input::open(group)?;
            Records::check(input, group)?;
        }
    }
    Ok(())
}

/// An import under way.
struct Import<'a> {
    session: &'a Session,
    graph: Graph,
    stop: bool,
    occurrences: Occurrences,
    files: Vec<FileReport>,
}

impl Import<'_> {
    async fn all(&mut self, runtime: &Runtime, groups: Vec<Group>) -> Result<Exit, Failure> {
        for group in groups {
            self.files.push(about(&group));
            let imported = self.one(runtime, group).await;
            let Some(report) = self.files.last() else { continue };
            if let Err(failure) = imported {
                let kept = report.imported();
                return Err(failure
                    .and(&format!("; rows of `{}` imported before it, which stay: {kept}", report.file)));
            }
            self.tell(report);
            if self.stop
                && let Some(rejection) = report.first_rejected.first()
            {
                return Err(Failure::new(
                    Exit::Rejected,
                    format!(
                        "`{}` line {}: {}; stopped there; rows imported before it, which stay: {}; correct it and \
                         import again, or give --on-error skip",
                        report.file,
                        rejection.line,
                        rejection.reason,
                        report.imported(),
                    ),
                ));
            }
        }
        match self.files.iter().map(|file| file.rejected).sum() {
            0 => Ok(Exit::Done),
            1 => Err(Failure::new(Exit::Rejected, "1 row was rejected, the others are imported")),
            rejected => Err(Failure::new(
                Exit::Rejected,
                format!("{rejected} rows were rejected, the others are imported"),
            )),
        }
    }

    async fn one(&mut self, runtime: &Runtime, group: Group) -> Result<(), Failure> {
        let handle = runtime.handle().clone();
        let new_edge_id: NewEdgeId = Box::new(move |entity| handle.keys().next_id(Kind::Edge, entity));
        let name = group.name();
        // Standard input may take its time until the first byte.
        let opening = tokio::task::spawn_blocking(move || {
            let input = Input::open(&group)?;
            let (read, bytes) = (input.read.clone(), input.bytes);
            Ok::<_, Failure>((Records::open(input, &group, new_edge_id)?, read, bytes))
        });
        let (records, read, bytes) = opening
            .await
            .map_err(|error| Failure::new(Exit::Failed, format!("reading `{name}` failed: {error}")))??;
        let mut progress = Progress::bytes(self.session.quiet, bytes, &name);
        let occurrences = std::mem::take(&mut self.occurrences);
        let (mut batches, thread) = batches::read(records, occurrences, self.stop)?;
        let Some(report) = self.files.last_mut() else { return Ok(()) };
        while let Some(batch) = batches.recv().await {
            apply::apply(&self.graph, batch, self.stop, report).await?;
            progress.set(read.load(Ordering::Relaxed));
            if self.stop && report.rejected > 0 {
                // The thread ends at its next batch; what it would give back is not needed any more.
                return Ok(());
            }
        }
        // The channel is closed, so the thread is at its end.
        self.occurrences = thread.join().map_err(|_| {
            Failure::new(Exit::Failed, format!("reading `{name}` failed: its thread panicked"))
        })?;
        Ok(())
    }

    /// Notes about a file that people should know.
    fn tell(&self, report: &FileReport) {
        let file = &report.file;
        if report.duplicates > 0 {
            let rows = if report.duplicates == 1 { "row names" } else { "rows name" };
            let what = match report.kind {
                "edge" => "two nodes that an earlier row joins: give --multi to keep parallel edges apart",
                _ => "what an earlier row names: the later fields stand",
            };
            self.session.note(&format!("warning: `{file}`: {} {rows} {what}", report.duplicates));
        }
        if self.stop || report.rejected == 0 {
            return;
        }
        for rejection in &report.first_rejected {
            self.session.note(&format!("warning: `{file}` line {}: {}", rejection.line, rejection.reason));
        }
        if report.rejected > TOLD as u64 {
            let more = report.rejected - TOLD as u64;
            self.session.note(&format!("warning: `{file}`: {more} more rows were rejected"));
        }
    }
}

fn about(group: &Group) -> FileReport {
    let is_documents = matches!(group.form(), Ok(Form::Documents { .. }));
    let kind = match group.kind {
        _ if is_documents => "document",
        GroupKind::Nodes => "node",
        GroupKind::Edges => "edge",
    };
    FileReport { file: group.name(), kind, entity: group.entity.clone(), ..FileReport::default() }
}
