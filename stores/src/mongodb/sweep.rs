//! The edges of nodes that are gone.

use bson::{Document as BsonDocument, doc};
use rustc_hash::FxHashSet;
use wayfare_graph::{Id, Kind, WriteError};

use super::bulk::Remove;
use super::document::place;
use super::fault::Tried;
use super::look::stored_of;
use super::step::damaged;
use super::writing::Writing;

/// How often edges are looked for that others made in the meantime. None are made once their end is gone, except by
/// those that had seen it before.
const ROUNDS: usize = 5;

impl Writing<'_> {
    /// Removes the edges of a node that is gone, and adds them and the nodes at their other ends to lists.
    ///
    /// An edge that cannot be read is not removed. Where the deletion can still be taken back it is refused for it;
    /// otherwise the edge stays for a check-up to put aside.
    pub(super) async fn sweep(
        &self,
        node: &Id,
        edges: &mut Vec<Id>,
        neighbours: &mut Vec<Id>,
    ) -> Tried<Result<(), WriteError>> {
        let text = node.to_string();
        let filter = doc! { "$or": [{ "source": &text }, { "target": &text }] };
        for _ in 0..ROUNDS {
            let stored = self.ask(Kind::Edge, filter.clone(), BsonDocument::new()).await?;
            let (mut found, mut kept) = (Vec::new(), Vec::new());
            for stored in stored {
                let edge = place(&stored);
                match stored_of(stored.clone()) {
                    Ok(document) => {
                        kept.push(stored);
                        found.push(document);
                    }
                    Err(reason) if !self.is_plain() => return Ok(Err(damaged(node, &edge, &reason))),
                    Err(_) => {}
                }
            }
            if found.is_empty() {
                break;
            }
            self.keep_removed(&kept).await?;
            let removes: Vec<Remove> =
                found.iter().map(|edge| Remove { id: edge.id().clone(), expected: None }).collect();
            self.remove_all(Kind::Edge, &removes.iter().collect::<Vec<_>>()).await?;
            for edge in found {
                self.note(edge.id(), None);
                neighbours.extend(
                    edge.ends().into_iter().flat_map(|ends| [ends.source.clone(), ends.target.clone()]),
                );
                edges.push(edge.id().clone());
            }
            if !self.is_plain() {
                // Within a transaction nothing else comes into sight, and a journal looks again when it is done.
                break;
            }
        }
        edges.sort_by(Id::cmp_by_key);
        edges.dedup();
        let mut seen = FxHashSet::default();
        neighbours.retain(|other| other != node && seen.insert(other.clone()));
        Ok(Ok(()))
    }
}
