//! What to do for a write, once it is known what is stored.

use bson::Bson;
use wayfare_graph::{Document, Id, Version, Write, WriteError, WriteResult, Written};

use super::bulk::{Insert, Outcome, Remove, Replace};
use super::document::{Encoded, encode};
use super::look::{Look, PairEdge};
use crate::rules::{NotMerged, OTHER_ENDS, check_shape, check_version, merged, unsuitable};

/// The largest version that can be stored.
const LAST_VERSION: u64 = i64::MAX as u64;

/// What is to be done for a write.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing more.
    Finished(WriteResult),
    Insert(Insert),
    Replace(Replace),
    Remove(Remove),
}

/// What is known once a step was taken.
#[derive(Debug)]
pub(super) enum Taken {
    Finished(WriteResult),
    /// Somebody was there first: look again.
    Raced(WriteError),
    /// A unique index refused it.
    Violated(super::bulk::Duplicate),
    /// It was not tried: the transaction had ended.
    Unsent,
}

/// Decides what is to be done.
pub(super) fn decide(write: &Write, look: &Look, parallel_edges: bool) -> Step {
    let decided = match write {
        Write::Create { document, multi } => create(document, *multi, look, parallel_edges),
        Write::Save { document } => save(document),
        Write::Upsert { document } => upsert(document, look),
        Write::Connect { edge, parallel } => connect(edge, *parallel, look, parallel_edges),
        Write::Put { document } => put(document, look, parallel_edges),
        Write::Delete { id, expected } => delete(id, *expected, look),
        other => {
            let reason = format!("this store does not know how to do {other:?}");
            Err(unsuitable(&Id::root(), reason))
        }
    };
    decided.unwrap_or_else(|error| Step::Finished(Err(error)))
}

/// A step, or why the write is refused. What is damaged concerns only the writes that hang on it.
type Decided = Result<Step, WriteError>;

/// What is stored under the id of a write, if it can be read.
fn stored<'l>(id: &Id, look: &'l Look) -> Result<Option<&'l Document>, WriteError> {
    match look.documents.get(id) {
        None => Ok(None),
        Some(Ok(document)) => Ok(Some(document)),
        Some(Err(reason)) => Err(damaged(id, &id.to_string(), reason)),
    }
}

/// The error of a write that hangs on a damaged document.
pub(super) fn damaged(id: &Id, what: &str, reason: &str) -> WriteError {
    let text =
        format!("`{what}` is damaged in the database: {reason}; `wayfare doctor --repair` puts it aside");
    unsuitable(id, text)
}

fn encoded(document: &Document, version: Version) -> Result<Encoded, WriteError> {
    encode(document, version).map_err(|why| unsuitable(document.id(), why.0))
}

fn create(document: &Document, multi: bool, look: &Look, parallel_edges: bool) -> Decided {
    check_shape(document)?;
    let id = document.id();
    let mut parallel = None;
    if let Some(ends) = document.ends() {
        if stored(id, look)?.is_some() {
            return Err(WriteError::AlreadyExists { id: id.clone() });
        }
        check_ends(document, look)?;
        let twin = look.pair(id, ends).first();
        match (multi, twin) {
            (false, Some(PairEdge { id: twin, stored, .. })) => {
                return Err(match stored {
                    Ok(_) => WriteError::AlreadyExists { id: twin.clone() },
                    Err(reason) => damaged(id, &twin.to_string(), reason),
                });
            }
            (true, Some(_)) if !parallel_edges => return Err(one_edge_only(id)),
            // Where jvspatial's index allows one edge, the first of several is an ordinary one.
            (true, None) if !parallel_edges => {}
            (true, _) => parallel = Some(id.with_key(|key| Bson::from(key))),
            (false, None) => {}
        }
    }
    Ok(Step::Insert(Insert { document: encoded(document, Version::FIRST)?, parallel, is_put: false }))
}

fn check_ends(edge: &Document, look: &Look) -> Result<(), WriteError> {
    match edge.ends().and_then(|ends| Some((ends, look.missing_end(ends)?))) {
        None => Ok(()),
        Some((ends, missing)) => {
            let (source_id, target_id) = (ends.source.clone(), ends.target.clone());
            Err(WriteError::UnknownEnd { source_id, target_id, missing: missing.clone() })
        }
    }
}

fn one_edge_only(id: &Id) -> WriteError {
    let reason = "the database has jvspatial's index that allows one edge of an entity between two nodes: \
                  drop the unique index on (source, target, entity) and open the store again";
    unsuitable(id, reason)
}

fn save(document: &Document) -> Decided {
    check_shape(document)?;
    let expected = document.version();
    // Beyond the last one nothing is stored, so the save will find another version.
    let next = Version(expected.0.saturating_add(1).min(LAST_VERSION));
    Ok(Step::Replace(Replace { document: encoded(document, next)?, expected }))
}

fn upsert(document: &Document, look: &Look) -> Decided {
    check_shape(document)?;
    match stored(document.id(), look)? {
        Some(stored) => merge(stored, document),
        // What is not there is created, by the rules of creation.
        None => create(document, false, look, true),
    }
}

fn merge(stored: &Document, document: &Document) -> Decided {
    let merged = merged(stored, document).map_err(|why| match why {
        NotMerged::Refused(error) => error,
        NotMerged::Damaged { what, reason } => damaged(document.id(), &what, &reason),
    })?;
    let Some(merged) = merged else {
        let (id, version) = (stored.id().clone(), stored.version());
        return Ok(Step::Finished(Ok(Written::Unchanged { id, version })));
    };
    let expected = stored.version();
    Ok(Step::Replace(Replace { document: encoded(&merged, expected.next())?, expected }))
}

fn connect(edge: &Document, nth: Option<u32>, look: &Look, parallel_edges: bool) -> Decided {
    check_shape(edge)?;
    let id = edge.id();
    let Some(ends) = edge.ends() else {
        return Err(unsuitable(id, "only an edge connects nodes"));
    };
    let found = look.pair(id, ends);
    let wanted = nth.map_or(0, |nth| usize::try_from(nth).unwrap_or(usize::MAX));
    if let Some(found) = found.get(wanted) {
        return match &found.stored {
            Ok(stored) => merge(stored, edge),
            Err(reason) => Err(damaged(id, &found.id.to_string(), reason)),
        };
    }
    if stored(id, look)?.is_some() {
        return Err(WriteError::AlreadyExists { id: id.clone() });
    }
    check_ends(edge, look)?;
    if !found.is_empty() && !parallel_edges {
        return Err(one_edge_only(id));
    }
    let (document, parallel) = (encoded(edge, Version::FIRST)?, free_mark(found));
    Ok(Step::Insert(Insert { document, parallel, is_put: false }))
}

/// What tells a further edge of a pair from those that there are.
///
/// It follows from those, so that of two processes which connect the same at once one finds the mark taken, looks
/// again, and finds the other's edge.
fn free_mark(found: &[PairEdge]) -> Option<Bson> {
    let is_taken = |mark: &i32| found.iter().any(|edge| edge.parallel == Some(Bson::Int32(*mark)));
    let first = i32::try_from(found.len()).unwrap_or(i32::MAX);
    let mark = if found.is_empty() { None } else { (first..).find(|mark| !is_taken(mark)) };
    mark.map(Bson::Int32)
}

fn put(document: &Document, look: &Look, parallel_edges: bool) -> Decided {
    check_shape(document)?;
    let (id, version) = (document.id(), document.version());
    let new = encoded(document, version)?;
    match stored(id, look)? {
        Some(stored) if stored == document => {
            Ok(Step::Finished(Ok(Written::Unchanged { id: id.clone(), version })))
        }
        Some(stored) if stored.ends() != document.ends() => {
            Err(unsuitable(id, "it is stored with other ends: delete it first"))
        }
        Some(stored) => {
            // Where it was read says nothing of what is here.
            let document = Encoded { is_settable: false, ..new };
            Ok(Step::Replace(Replace { document, expected: stored.version() }))
        }
        None => {
            let joined = document.ends().is_some_and(|ends| !look.pair(id, ends).is_empty());
            if joined && !parallel_edges {
                return Err(one_edge_only(id));
            }
            let parallel = joined.then(|| id.with_key(|key| Bson::from(key)));
            Ok(Step::Insert(Insert { document: new, parallel, is_put: true }))
        }
    }
}

fn delete(id: &Id, expected: Option<Version>, look: &Look) -> Decided {
    if *id == Id::root() {
        return Err(unsuitable(id, "every graph has its root: it cannot be deleted"));
    }
    let stored = stored(id, look)?.ok_or_else(|| WriteError::NotFound { id: id.clone() })?;
    if let Some(expected) = expected {
        check_version(id, expected, stored.version())?;
    }
    // A document without a version is at version 0 as long as nobody writes it.
    Ok(Step::Remove(Remove { id: id.clone(), expected }))
}

/// What came of a step.
pub(super) fn taken(write: &Write, step: &Step, outcome: Outcome, look: &Look) -> Taken {
    if outcome == Outcome::Unsent {
        return Taken::Unsent;
    }
    match step {
        Step::Finished(result) => Taken::Finished(result.clone()),
        Step::Insert(insert) => inserted(write, &insert.document.id, outcome),
        Step::Replace(replace) => replaced(write, replace, outcome),
        Step::Remove(remove) => removed(remove, outcome, look),
    }
}

fn inserted(write: &Write, id: &Id, outcome: Outcome) -> Taken {
    let exists = || WriteError::AlreadyExists { id: id.clone() };
    Taken::Finished(match outcome {
        Outcome::Done => Ok(Written::Created { id: id.clone() }),
        Outcome::Exists if matches!(write, Write::Create { .. } | Write::Connect { .. }) => Err(exists()),
        Outcome::Violated(duplicate) => return Taken::Violated(duplicate),
        Outcome::Unsuitable(reason) => Err(unsuitable(id, reason)),
        _ => return Taken::Raced(exists()),
    })
}

fn replaced(write: &Write, replace: &Replace, outcome: Outcome) -> Taken {
    let Replace { document: Encoded { id, .. }, expected } = replace;
    let error = match outcome {
        Outcome::Done => {
            let version = match write {
                Write::Put { document } => document.version(),
                _ => expected.next(),
            };
            return Taken::Finished(Ok(Written::Changed { id: id.clone(), version }));
        }
        Outcome::Violated(duplicate) => return Taken::Violated(duplicate),
        Outcome::Unsuitable(reason) => return Taken::Finished(Err(unsuitable(id, reason))),
        Outcome::AtVersion(found) => WriteError::Conflict { id: id.clone(), expected: *expected, found },
        Outcome::OtherEnds => unsuitable(id, OTHER_ENDS),
        _ => WriteError::NotFound { id: id.clone() },
    };
    match write {
        Write::Save { .. } => Taken::Finished(Err(error)),
        _ => Taken::Raced(error),
    }
}

fn removed(remove: &Remove, outcome: Outcome, look: &Look) -> Taken {
    let Remove { id, expected } = remove;
    Taken::Finished(match outcome {
        Outcome::Done => {
            let stored = look.documents.get(id).and_then(|stored| stored.as_ref().ok());
            let ends = stored.and_then(Document::ends);
            let mut neighbours: Vec<Id> =
                ends.iter().flat_map(|ends| [ends.source.clone(), ends.target.clone()]).collect();
            neighbours.dedup();
            Ok(Written::Deleted { id: id.clone(), edges: Vec::new(), neighbours })
        }
        Outcome::AtVersion(found) => {
            let error = WriteError::Conflict { id: id.clone(), expected: expected.unwrap_or(found), found };
            return if expected.is_some() { Taken::Finished(Err(error)) } else { Taken::Raced(error) };
        }
        _ => Err(WriteError::NotFound { id: id.clone() }),
    })
}
