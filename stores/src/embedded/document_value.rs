//! The stored form of a document: a short header, then the bytes of the body.
//!
//! Header: a byte of flags, the version, the ids of both ends for an edge, and the length and
//! bytes of the members that Wayfare does not know, where there are any.

use wayfare_graph::{Body, Document, Ends, Id, Kind, Version};

use super::catalog::Catalog;
use super::codec::{ID_BYTES, KeyBuf, push_varint, take_id, take_varint};

const HAS_ENDS: u8 = 1;
const BIDIRECTIONAL: u8 = 2;
const HAS_EXTRA: u8 = 4;

/// A stored document, its fields still encoded.
#[derive(Debug)]
pub(super) struct StoredDocument<'t> {
    pub(super) version: Version,
    pub(super) ends: Option<Ends>,
    extra: Option<&'t [u8]>,
    body: &'t [u8],
}

impl<'t> StoredDocument<'t> {
    /// Reads the header; `None` when the bytes are no document.
    pub(super) fn parse(bytes: &'t [u8], catalog: &Catalog) -> Option<Self> {
        let (&flags, mut rest) = bytes.split_first()?;
        let version = Version(take_varint(&mut rest)?);
        let mut ends = None;
        if flags & HAS_ENDS != 0 {
            let source = take_id(&mut rest, Kind::Node, catalog)?;
            let target = take_id(&mut rest, Kind::Node, catalog)?;
            ends = Some(Ends { source, target, bidirectional: flags & BIDIRECTIONAL != 0 });
        }
        let mut extra = None;
        if flags & HAS_EXTRA != 0 {
            let len = usize::try_from(take_varint(&mut rest)?).ok()?;
            let (members, body) = rest.split_at_checked(len)?;
            extra = Some(members);
            rest = body;
        }
        Some(Self { version, ends, extra, body: rest })
    }

    /// The user fields, copied.
    pub(super) fn body(&self) -> Body {
        Body::from_stored(self.body)
    }

    /// Whether the user fields are these, byte by byte.
    pub(super) fn has_body(&self, body: &Body) -> bool {
        self.body == body.as_bytes()
    }

    /// The whole document, copied.
    pub(super) fn to_document(&self, id: Id) -> Document {
        let document = match &self.ends {
            Some(ends) => Document::edge(id, ends.clone(), self.body()),
            None => Document::new(id, self.body()),
        };
        document.with_version(self.version).with_extra(self.extra.map(Body::from_stored))
    }
}

/// Writes a document's stored form over `out`; `None` when an end's entity has no code, which no
/// document with existing ends can come to.
pub(super) fn encode(
    document: &Document,
    version: Version,
    catalog: &Catalog,
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut flags = 0;
    if let Some(ends) = document.ends() {
        flags |= HAS_ENDS | if ends.bidirectional { BIDIRECTIONAL } else { 0 };
    }
    if document.extra().is_some() {
        flags |= HAS_EXTRA;
    }
    out.clear();
    out.push(flags);
    push_varint(out, version.0);
    if let Some(ends) = document.ends() {
        let mut ids = KeyBuf::<{ 2 * ID_BYTES }>::new();
        for end in [&ends.source, &ends.target] {
            ids.push_id(catalog.code(end.entity())?, end);
        }
        out.extend_from_slice(ids.as_slice());
    }
    if let Some(extra) = document.extra() {
        push_varint(out, extra.as_bytes().len() as u64);
        out.extend_from_slice(extra.as_bytes());
    }
    out.extend_from_slice(document.body().as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wayfare_graph::EntityName;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        catalog.add(EntityName::new("ValueCity").unwrap());
        catalog
    }

    fn samples() -> Vec<Document> {
        [
            json!({"id": "n.ValueCity.a", "context": {"name": "A"}, "_version": 3}),
            json!({"id": "n.ValueCity.b", "owner": {"x": [1, 2]}, "_version": u64::MAX}),
            json!({"id": "e.Road.r", "source": "n.ValueCity.a", "target": "n.ValueCity.d400618fa5094d6b9c223223",
                "bidirectional": true, "context": {"km": 1.5}, "tag": "t", "_version": 200}),
            json!({"id": "e.Road.s", "source": "n.ValueCity.a", "target": "n.ValueCity.a"}),
        ]
        .into_iter()
        .map(|json| Document::from_json(json).unwrap())
        .collect()
    }

    #[test]
    fn documents_survive() {
        let catalog = catalog();
        let mut bytes = Vec::new();
        for document in samples() {
            encode(&document, document.version(), &catalog, &mut bytes).unwrap();
            let read = StoredDocument::parse(&bytes, &catalog).unwrap();
            assert_eq!(read.to_document(document.id().clone()), document);
        }
    }

    #[test]
    fn a_cut_header_is_no_document_and_no_panic() {
        let catalog = catalog();
        let mut bytes = Vec::new();
        let edge = samples().remove(2);
        encode(&edge, Version(200), &catalog, &mut bytes).unwrap();
        let header = bytes.len() - edge.body().as_bytes().len();
        for cut in 0..header {
            assert!(StoredDocument::parse(&bytes[..cut], &catalog).is_none(), "cut at {cut}");
        }
    }
}
