//! Documents in the form that jvspatial gives them in MongoDB, with two hidden members of ours.

use bson::oid::ObjectId;
use bson::raw::RawBsonRef;
use bson::{Bson, Document as BsonDocument, RawDocumentBuf, cstr, doc};
use serde_json::Value;
use wayfare_graph::{Document, Ends, Id, StoreError, Version};

use super::value::{NotStorable, append_member, members_to_json, members_to_raw};

/// Tells parallel edges apart in the unique index of ends. Absent where an edge is the only one of its entity between
/// its ends, so that the index allows no second one.
pub(super) const PARALLEL: &str = "_parallel";

/// Which writes of ours came last: tells whether one was done whose answer was lost.
pub(super) const TOKEN: &str = "_token";

/// Largest document that the server takes, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// Room for what the server adds to a document of ours: tokens and the mark of a parallel edge.
const HIDDEN_BYTES: usize = 512;

/// A document ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    pub(super) id: Id,
    pub(super) ends: Option<Ends>,
    pub(super) bytes: RawDocumentBuf,
    /// Whether its members can be set one by one: each is known that is stored, and none is named like a path or an
    /// operator.
    pub(super) is_settable: bool,
}

/// Encodes a document at a version, without its hidden members.
pub(super) fn encode(document: &Document, version: Version) -> Result<Encoded, NotStorable> {
    let id = document.id();
    let unreadable = |error: wayfare_graph::BodyError| NotStorable(error.to_string());
    let version = i64::try_from(version.0)
        .map_err(|_| NotStorable(format!("version {version} is larger than MongoDB counts")))?;
    let text = id.to_string();
    let mut bytes = RawDocumentBuf::new();
    bytes.append(cstr!("_id"), text.as_str());
    bytes.append(cstr!("id"), text.as_str());
    bytes.append(cstr!("entity"), id.entity().as_str());
    bytes.append(cstr!("context"), members_to_raw(&document.body().fields().map_err(unreadable)?, 2)?);
    if let Some(ends) = document.ends() {
        bytes.append(cstr!("source"), ends.source.to_string());
        bytes.append(cstr!("target"), ends.target.to_string());
        bytes.append(cstr!("bidirectional"), ends.bidirectional);
    }
    match i32::try_from(version) {
        Ok(version) => bytes.append(cstr!("_version"), version),
        Err(_) => bytes.append(cstr!("_version"), version),
    }
    let mut is_settable = document.has_all_members();
    if let Some(extra) = document.extra() {
        for (name, value) in extra.fields().map_err(unreadable)? {
            if name == PARALLEL || name == TOKEN {
                continue;
            }
            append_member(&mut bytes, &name, &value, 1)?;
            is_settable &= !name.is_empty() && !name.starts_with('$') && !name.contains('.');
        }
    }
    let len = bytes.as_bytes().len();
    if len + HIDDEN_BYTES > MAX_BYTES {
        let reason =
            format!("it takes {len} bytes, MongoDB holds at most {MAX_BYTES} with {HIDDEN_BYTES} of its own");
        return Err(NotStorable(reason));
    }
    Ok(Encoded { id: id.clone(), ends: document.ends().cloned(), bytes, is_settable })
}

/// Reads a stored document. One of which a projection left some members out is projected again afterwards, and then
/// no longer passes for whole.
pub(super) fn decode(mut stored: BsonDocument) -> Result<Document, StoreError> {
    stored.remove(PARALLEL);
    stored.remove(TOKEN);
    // What MongoDB goes by; a member `id` that says something else is found by a check-up.
    if let Some(id) = stored.get("_id").cloned() {
        stored.insert("id", id);
    }
    let what = place(&stored);
    Document::from_json(Value::Object(members_to_json(stored)))
        .map(Document::with_all_members)
        .map_err(|error| StoreError::Damaged { what, reason: error.to_string() })
}

/// What `_id` says, as far as it can be said.
pub(super) fn place(stored: &BsonDocument) -> String {
    match stored.get("_id") {
        Some(Bson::String(id)) => id.clone(),
        Some(other) => other.to_string(),
        None => "a document without `_id`".to_owned(),
    }
}

/// The version of a stored document: one without is at version 0.
pub(super) fn version_of(stored: &BsonDocument) -> Version {
    let version = stored.get("_version").map(|version| match version {
        Bson::Int32(version) => RawBsonRef::Int32(*version),
        Bson::Int64(version) => RawBsonRef::Int64(*version),
        Bson::Double(version) => RawBsonRef::Double(*version),
        _ => RawBsonRef::Null,
    });
    version_from(version)
}

/// The version that a member `_version` says.
pub(super) fn version_from(member: Option<RawBsonRef<'_>>) -> Version {
    let version = match member {
        Some(RawBsonRef::Int32(version)) => u64::try_from(version).ok(),
        Some(RawBsonRef::Int64(version)) => u64::try_from(version).ok(),
        Some(RawBsonRef::Double(version)) if version >= 0.0 => Some(version as u64),
        _ => None,
    };
    Version(version.unwrap_or_default())
}

/// How many tokens a document keeps, those of its last three writes at least: a write leaves one or two.
pub(super) const TOKENS: i32 = 6;

/// Most tokens that one write leaves.
const TOKENS_OF_A_WRITE: usize = 2;

/// Whether a write under a token, over a version, was done to a stored document; `None` where so many others came
/// after that it would not be seen any more.
pub(super) fn has_token(stored: &BsonDocument, token: ObjectId, over: Version) -> Option<bool> {
    let tokens = stored.get_array(TOKEN).map(Vec::as_slice).unwrap_or_default();
    if tokens.contains(&Bson::ObjectId(token)) {
        return Some(true);
    }
    let since = version_of(stored).0.saturating_sub(over.0);
    (since <= (tokens.len() / TOKENS_OF_A_WRITE) as u64).then_some(false)
}

/// The condition that a document is at a version.
pub(super) fn at_version(version: Version) -> Bson {
    match i64::try_from(version.0) {
        // Null also matches where the member is missing.
        Ok(0) => Bson::Document(doc! { "$in": [0, Bson::Null] }),
        Ok(version) => Bson::Int64(version),
        // No document has it.
        Err(_) => Bson::String("none".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(json: Value) -> Document {
        Document::from_json(json).unwrap()
    }

    #[test]
    fn hidden_members_are_neither_shown_nor_taken_from_outside() {
        let json = json!({"id": "n.City.a", "_token": 1, "_parallel": "x", "owner": 1, "_version": 3});
        let encoded = encode(&document(json), Version(3)).unwrap();
        let mut stored = BsonDocument::try_from(encoded.bytes.as_ref()).unwrap();
        assert_eq!(
            stored.keys().collect::<Vec<_>>(),
            ["_id", "id", "entity", "context", "_version", "owner"]
        );
        stored.insert(TOKEN, vec![ObjectId::new()]);
        stored.insert(PARALLEL, "k");
        let read = decode(stored).unwrap();
        assert_eq!(read.to_json().unwrap()["owner"], json!(1));
        assert_eq!(read.extra().unwrap().fields().unwrap().len(), 1);
    }

    #[test]
    fn a_document_of_jvspatial_is_at_version_0() {
        let stored = doc! { "_id": "n.City.a", "id": "n.City.a", "entity": "City", "context": {}, "_v": 2 };
        assert_eq!(version_of(&stored), Version(0));
        let read = decode(stored).unwrap();
        assert_eq!((read.version(), read.to_json().unwrap()["_v"].clone()), (Version(0), json!(2)));
    }

    #[test]
    fn what_is_no_document_is_told_by_its_id() {
        for stored in [
            doc! { "_id": ObjectId::from_bytes([1; 12]) },
            doc! { "_id": "n.City.a", "entity": "Town" },
            doc! { "_id": "n.City.a", "context": 1 },
        ] {
            let place = place(&stored);
            assert!(matches!(decode(stored), Err(StoreError::Damaged { what, .. }) if what == place));
        }
    }

    #[test]
    fn documents_over_16_mib_are_refused_by_their_size() {
        let large = document(json!({"id": "n.City.a", "context": {"x": "x".repeat(16 << 20)}}));
        assert!(encode(&large, Version(1)).unwrap_err().0.contains("16777"));
    }
}
