//! `wayfare export`: documents as JSON Lines, in an order that does not depend on how they got there.
//!
//! Nodes come before edges before objects; within a kind, entities by name, and within an entity the
//! store's order, which is by key. Versions are left out: they count the writes of one store. So what
//! `wayfare import` makes of an export gives the same export again, byte for byte.

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use wayfare::{Document, EntityName, Graph, Id, Kind};

use super::exit::{Exit, Failure};
use super::names::suggestion;
use super::progress::Progress;
use super::session::Session;
use super::subject::CONTENT;

/// Documents read from the store at a time.
const PAGE: usize = 4_096;

/// Arguments of `wayfare export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Only documents of this entity; may be given several times
    #[arg(long, value_name = "ENTITY")]
    entity: Vec<String>,

    /// Only nodes
    #[arg(long, conflicts_with = "edges_only")]
    nodes_only: bool,

    /// Only edges
    #[arg(long)]
    edges_only: bool,

    /// The file to write, gzipped if it ends in .gz [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the documents; with `--output` prints how many of each kind.
pub(crate) async fn run(session: &Session, arguments: ExportArgs) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let graph = runtime.graph();
    let entities = chosen(&graph, &arguments).await?;
    let total = entities.iter().map(|(_, _, count)| count).sum();
    let mut progress = Progress::count(session.quiet, Some(total), "exporting");
    let mut out = Destination::open(arguments.output.as_deref())?;
    let mut written = [0_u64; CONTENT.len()];
    let mut done = 0;
    for (kind, entity, _) in entities {
        let mut after = None;
        loop {
            let page = graph.scan(kind, Some(entity), after, PAGE).await?;
            for document in page.documents.iter().filter(|document| !is_bare_root(document)) {
                out.line(document)?;
                written[CONTENT.iter().position(|known| *known == kind).unwrap_or(0)] += 1;
            }
            done += page.documents.len() as u64;
            progress.set(done);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    drop(progress);
    out.finish()?;
    if let Some(file) = &arguments.output {
        let [nodes, edges, objects] = written;
        let file = file.display().to_string();
        session.output.one(&json!({"file": file, "nodes": nodes, "edges": edges, "objects": objects}))?;
    }
    runtime.shutdown().await;
    Ok(Exit::Done)
}

/// The root without fields is in every store already, so it is not worth a line.
fn is_bare_root(document: &Document) -> bool {
    *document.id() == Id::root() && document.extra().is_none() && document.body().has_only(&[])
}

/// What to export, in order, with the number of documents.
async fn chosen(graph: &Graph, arguments: &ExportArgs) -> Result<Vec<(Kind, EntityName, u64)>, Failure> {
    let entities = graph.stats().await?.entities;
    let content = entities.iter().filter(|(kind, _, _)| CONTENT.contains(kind));
    let known: Vec<&str> = content.map(|(_, name, _)| name.as_str()).collect();
    for entity in &arguments.entity {
        if !known.contains(&entity.as_str()) {
            let advice = match entities.iter().any(|(_, name, _)| name.as_str() == entity) {
                true => " to export: documents of walks are left out".to_owned(),
                false => suggestion(entity, &known),
            };
            return Err(Failure::not_found(format!("the store has no entity `{entity}`{advice}")));
        }
    }
    let mut chosen = Vec::new();
    for kind in CONTENT {
        if (arguments.nodes_only && kind != Kind::Node) || (arguments.edges_only && kind != Kind::Edge) {
            continue;
        }
        let wanted = |name: &EntityName| {
            arguments.entity.is_empty() || arguments.entity.iter().any(|entity| entity == name.as_str())
        };
        let mut of_kind: Vec<_> =
            entities.iter().filter(|(of, name, _)| *of == kind && wanted(name)).copied().collect();
        of_kind.sort_by_key(|(_, name, _)| name.as_str());
        chosen.extend(of_kind);
    }
    Ok(chosen)
}

/// Where the lines go.
struct Destination<'a> {
    path: Option<&'a Path>,
    out: Sink,
}

enum Sink {
    Plain(BufWriter<Box<dyn Write>>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl<'a> Destination<'a> {
    fn open(path: Option<&'a Path>) -> Result<Self, Failure> {
        let Some(file) = path else {
            return Ok(Self { path, out: Sink::Plain(BufWriter::new(Box::new(stdout()))) });
        };
        let opened = File::create(file)
            .map_err(|error| Failure::bad_input(format!("cannot write `{}`: {error}", file.display())))?;
        let out = match file.extension().is_some_and(|extension| extension == "gz") {
            true => Sink::Gzip(GzEncoder::new(BufWriter::new(opened), Compression::default())),
            false => Sink::Plain(BufWriter::new(Box::new(opened))),
        };
        Ok(Self { path, out })
    }

    fn line(&mut self, document: &Document) -> Result<(), Failure> {
        let mut line = document.to_json()?;
        if let Value::Object(members) = &mut line {
            members.shift_remove("_version");
        }
        let out: &mut dyn Write = match &mut self.out {
            Sink::Plain(out) => out,
            Sink::Gzip(out) => out,
        };
        let written =
            serde_json::to_writer(&mut *out, &line).map_err(io::Error::from).and_then(|()| writeln!(out));
        written.map_err(|error| self.failed(&error))
    }

    /// Writes what is left; dropping would not tell whether that worked.
    fn finish(mut self) -> Result<(), Failure> {
        let ended = match &mut self.out {
            Sink::Plain(out) => out.flush(),
            Sink::Gzip(out) => out.try_finish().and_then(|()| out.get_mut().flush()),
        };
        ended.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        match self.path {
            None => Failure::output(error),
            Some(path) => Failure::new(
                Exit::Failed,
                format!("cannot write `{}`, which is incomplete now: {error}", path.display()),
            ),
        }
    }
}
