//! Looking for what stands in the collections and is no document of a graph. An edge that leads nowhere is one.

use bson::{Bson, Document as BsonDocument, doc};
use futures_util::TryStreamExt;
use wayfare_graph::{Document, Finding, Id, Kind, StoreError};

use super::document::{decode, place};
use super::fault::{Fault, Tried};
use super::server::Server;

/// Where things are put that are no documents.
const SET_ASIDE: &str = "wayfare_set_aside";

/// Documents that are looked at together.
const PAGE: usize = 1_000;

/// Something that is no document of a graph.
struct Bad {
    stored: BsonDocument,
    reason: String,
}

impl Server {
    /// Looks at everything in the collections; with `repair`, what is no document is put aside.
    ///
    /// What the indexes hold is the server's own affair: its command `validate` checks it.
    pub(super) async fn check_up(&self, repair: bool) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for kind in Kind::ALL {
            self.check_kind(kind, repair, &mut findings).await.map_err(|fault| self.told(fault))?;
        }
        Ok(findings)
    }

    /// Looks at all of a collection with one cursor, which sees whatever stands there, under ids of any type.
    async fn check_kind(&self, kind: Kind, repair: bool, findings: &mut Vec<Finding>) -> Tried<()> {
        let collection = self.collection(kind);
        let mut cursor = self.timed(collection.find(BsonDocument::new()).into_future()).await?;
        loop {
            let mut page = Vec::new();
            while page.len() < PAGE
                && let Some(stored) = self.timed(cursor.try_next()).await?
            {
                page.push(stored);
            }
            if page.is_empty() {
                return Ok(());
            }
            for stored in page {
                if let Err(reason) = read(kind, &stored) {
                    findings.push(self.settle(kind, Bad { stored, reason }, repair).await?);
                }
            }
        }
    }

    async fn settle(&self, kind: Kind, bad: Bad, repair: bool) -> Result<Finding, StoreError> {
        let Bad { stored, reason } = bad;
        let place = format!("{}: {}", kind.collection(), place(&stored));
        if repair && let Some(id) = stored.get("_id").cloned() {
            let aside = doc! {
                "_id": { "collection": kind.collection(), "id": id.clone() }, "reason": &reason, "document": stored,
            };
            self.call(|| async {
                let set_aside = self.database.collection::<BsonDocument>(SET_ASIDE);
                match set_aside.insert_one(&aside).await.map_err(Fault::from) {
                    Ok(_) => {}
                    // An attempt before this one put it there, or the repair of another time did with its like.
                    Err(fault) if fault.is_duplicate() => {
                        let same = doc! { "_id": aside.get("_id").cloned().unwrap_or(Bson::Null) };
                        set_aside.replace_one(same, &aside).await?;
                    }
                    Err(fault) => return Err(fault),
                }
                self.collection(kind).delete_one(doc! { "_id": { "$eq": id.clone() } }).await?;
                Ok(())
            })
            .await?;
        }
        Ok(Finding::BadDocument { place, reason, repaired: repair })
    }
}

/// Reads a stored document as one of a kind, more strictly than usual.
fn read(kind: Kind, stored: &BsonDocument) -> Result<Document, String> {
    let id = match stored.get("_id") {
        Some(Bson::String(id)) => id.clone(),
        _ => return Err("its `_id` is not text".into()),
    };
    let document = decode(stored.clone()).map_err(|error| match error {
        StoreError::Damaged { reason, .. } => reason,
        other => other.to_string(),
    })?;
    if document.id().kind() != kind {
        return Err(format!(
            "an id of that kind does not belong into the collection `{}`",
            kind.collection()
        ));
    }
    match stored.get("id") {
        None => {}
        Some(Bson::String(own)) if *own == id => {}
        Some(own) => return Err(format!("its `id` is {own}")),
    }
    if !stored.contains_key("entity") {
        return Err("it has no `entity`".into());
    }
    let is_node = |end: &Id| end.kind() == Kind::Node;
    match document.ends() {
        Some(ends) if !is_node(&ends.source) || !is_node(&ends.target) => {
            Err("an end of it is no node".into())
        }
        _ => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_document_of_its_collection_is_told() {
        let good = doc! { "_id": "n.A.b", "id": "n.A.b", "entity": "A", "context": {} };
        assert!(read(Kind::Node, &good).is_ok());
        assert!(read(Kind::Object, &good).is_err());
        for (name, value, part) in [
            ("_id", Bson::Int32(1), "not text"),
            ("_id", Bson::from("no id"), "not an id"),
            ("id", Bson::from("n.A.c"), "its `id` is"),
            ("entity", Bson::from("B"), "entity is `B`"),
            ("context", Bson::Int32(1), "`context`"),
            ("_version", Bson::Int32(-1), "`_version`"),
        ] {
            let mut bad = good.clone();
            bad.insert(name, value);
            let reason = read(Kind::Node, &bad).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        }
        let edge = doc! { "_id": "e.R.a", "entity": "R", "source": "n.A.b", "target": "o.A.c" };
        assert_eq!(read(Kind::Edge, &edge).unwrap_err(), "an end of it is no node");
    }
}
