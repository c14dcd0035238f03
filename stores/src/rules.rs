//! What every store refuses, and how a write goes over a stored document.

use wayfare_graph::{Body, Document, Ends, Id, Kind, Version, WriteError};

/// Most bytes that the fields of one document may take, encoded.
const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// Why a save that would move an edge is refused.
pub(crate) const OTHER_ENDS: &str = "the ends of an edge cannot change: delete it and create another";

/// Why a document was not written over another.
#[derive(Debug)]
pub(crate) enum NotMerged {
    /// The write is at fault.
    Refused(WriteError),
    /// The stored document cannot be read.
    Damaged { what: String, reason: String },
}

pub(crate) fn unsuitable(id: &Id, reason: impl Into<String>) -> WriteError {
    WriteError::Unsuitable { id: id.clone(), reason: reason.into() }
}

/// Refuses a write that was based on another version than the stored one.
pub(crate) fn check_version(id: &Id, expected: Version, found: Version) -> Result<(), WriteError> {
    match expected == found {
        true => Ok(()),
        false => Err(WriteError::Conflict { id: id.clone(), expected, found }),
    }
}

/// Refuses a document that lacks what its kind needs, has what it must not have, or is too large.
pub(crate) fn check_shape(document: &Document) -> Result<(), WriteError> {
    let id = document.id();
    match (id.kind(), document.ends()) {
        (Kind::Edge, None) => return Err(unsuitable(id, "an edge needs a source and a target")),
        (Kind::Node | Kind::Object | Kind::Walker, Some(Ends { .. })) => {
            return Err(unsuitable(id, "only an edge has a source and a target"));
        }
        _ => {}
    }
    let bytes = document.body().as_bytes().len() + document.extra().map_or(0, |extra| extra.as_bytes().len());
    if bytes > MAX_DOCUMENT_BYTES {
        let reason = format!("its fields take {bytes} bytes, a document holds at most {MAX_DOCUMENT_BYTES}");
        return Err(unsuitable(id, reason));
    }
    Ok(())
}

/// A stored document with the fields and unknown members of another over its own, its version as it was;
/// `None` when that changes nothing.
pub(crate) fn merged(stored: &Document, document: &Document) -> Result<Option<Document>, NotMerged> {
    let id = stored.id();
    if stored.ends() != document.ends() {
        let reason = "it is stored with other ends or another direction: delete it and create another";
        return Err(NotMerged::Refused(unsuitable(id, reason)));
    }
    // Whoever says of which schema it writes does not know what a later one means.
    let schema_of = |document: &Document| document.extra().and_then(|extra| extra.field("_v")?.as_u64());
    if let (Some(newer), Some(own)) = (schema_of(stored), schema_of(document))
        && newer > own
    {
        let reason =
            format!("it is stored in schema {newer}, which is newer than {own}: use a newer release");
        return Err(NotMerged::Refused(unsuitable(id, reason)));
    }
    let body = merged_body(id, stored.body(), document.body())?;
    let extra = match (stored.extra(), document.extra()) {
        (_, None) => None,
        (None, Some(new)) => Some(new.clone()),
        (Some(old), Some(new)) => merged_body(id, old, new)?,
    };
    if body.is_none() && extra.is_none() {
        return Ok(None);
    }
    let mut document = stored.clone();
    if extra.is_some() {
        document = document.with_extra(extra);
    }
    if let Some(body) = body {
        document = document.with_body(body);
    }
    check_shape(&document).map_err(NotMerged::Refused)?;
    Ok(Some(document))
}

/// The old fields with the new ones over them, `None` when that changes nothing.
fn merged_body(id: &Id, old: &Body, new: &Body) -> Result<Option<Body>, NotMerged> {
    if old == new {
        return Ok(None);
    }
    let unreadable = |error: wayfare_graph::BodyError| NotMerged::Refused(unsuitable(id, error.to_string()));
    let damaged = |error: wayfare_graph::BodyError| NotMerged::Damaged {
        what: id.to_string(),
        reason: error.to_string(),
    };
    let mut fields = old.fields().map_err(damaged)?;
    let mut differs = false;
    for (name, value) in new.fields().map_err(unreadable)? {
        if fields.get(&name) != Some(&value) {
            differs = true;
            fields.insert(name, value);
        }
    }
    if !differs {
        return Ok(None);
    }
    Body::encode(&fields).map(Some).map_err(unreadable)
}
