//! The links of a node, packed into rows.
//!
//! A row holds links one after the other, in the order of their bytes: the key of the edge, the code
//! of its entity, the code and key of the node at the other end. The key of the row is that of the
//! node, with the section in the table of nodes, and the edge of its first link. Packed, the links of most nodes are one row, so that a walk reads them
//! with one step; the bound keeps what one more link has to rewrite small on nodes with many.

use std::cmp::Ordering;
use std::ops::Range;

use wayfare_graph::{Kind, Link};

use super::catalog::Catalog;
use super::codec::{key_len, take_code, take_id, take_key};

/// Where a row is split. Two rows and more fit on a page of LMDB, and some thirty links in a row.
const ROW_BYTES: usize = 1000;

/// Calls `each` for the links of a row; `None` when its bytes are no links.
pub(super) fn for_each_link(mut row: &[u8], catalog: &Catalog, mut each: impl FnMut(Link)) -> Option<()> {
    while !row.is_empty() {
        each(take_link(&mut row, catalog)?);
    }
    Some(())
}

fn take_link(bytes: &mut &[u8], catalog: &Catalog) -> Option<Link> {
    // The entity stands behind the key, so that links order by key first.
    let len = key_len(bytes)?;
    let (mut key, mut rest) = bytes.split_at_checked(len)?;
    let entity = catalog.name(take_code(&mut rest)?)?;
    let edge = take_key(&mut key, Kind::Edge, entity)?;
    let other = take_id(&mut rest, Kind::Node, catalog)?;
    *bytes = rest;
    Some(Link { edge, other })
}

/// A row of links that is being changed.
#[derive(Debug)]
pub(super) struct LinkRow(pub(super) Vec<u8>);

impl LinkRow {
    /// Where the link of an edge is, or else where it would be; `None` when the bytes are no links.
    pub(super) fn find(&self, edge: &[u8]) -> Option<Result<Range<usize>, usize>> {
        let mut at = 0;
        while at < self.0.len() {
            let (edge_len, len) = lengths(&self.0[at..])?;
            match self.0[at..at + edge_len].cmp(edge) {
                Ordering::Less => at += len,
                Ordering::Equal => return Some(Ok(at..at + len)),
                Ordering::Greater => return Some(Err(at)),
            }
        }
        Some(Err(at))
    }

    /// Whether a further link at its end would make it too long.
    pub(super) fn is_full_for(&self, link: &[u8]) -> bool {
        self.0.len() + link.len() > ROW_BYTES
    }

    pub(super) fn insert(&mut self, at: usize, link: &[u8]) {
        self.0.splice(at..at, link.iter().copied());
    }

    /// Cuts off the second half of a row that is too long; `None` when it is not.
    pub(super) fn split(&mut self) -> Option<Self> {
        if self.0.len() <= ROW_BYTES {
            return None;
        }
        let mut at = 0;
        while at < self.0.len() / 2 {
            at += lengths(&self.0[at..])?.1;
        }
        (at < self.0.len()).then(|| Self(self.0.split_off(at)))
    }

    /// The edge of the first link, as the key of the row ends with it.
    pub(super) fn first_edge(&self) -> Option<&[u8]> {
        self.0.get(..lengths(&self.0)?.0)
    }
}

/// The length of the edge of the first link, and of the whole link.
fn lengths(links: &[u8]) -> Option<(usize, usize)> {
    let edge = key_len(links)? + 2;
    let other = 2 + key_len(links.get(edge + 2..)?)?;
    (edge + other <= links.len()).then_some((edge, edge + other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::codec::{ID_BYTES, KeyBuf};
    use wayfare_graph::{EntityName, Id};

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        catalog.add(EntityName::new("LinkCity").unwrap());
        catalog.add(EntityName::new("LinkRoad").unwrap());
        catalog
    }

    /// The edge, and the whole link.
    fn link(edge: &str, other: &str) -> (Vec<u8>, Vec<u8>) {
        let id = |text: String| -> Id { text.parse().unwrap() };
        let mut bytes = KeyBuf::<{ 2 * ID_BYTES }>::new();
        bytes.push_key(&id(format!("e.LinkRoad.{edge}")));
        bytes.push_code(1);
        let edge = bytes.as_slice().to_vec();
        bytes.push_id(0, &id(format!("n.LinkCity.{other}")));
        (edge, bytes.as_slice().to_vec())
    }

    fn edges(row: &LinkRow) -> Vec<String> {
        let mut edges = Vec::new();
        for_each_link(&row.0, &catalog(), |link| edges.push(link.edge.with_key(str::to_owned))).unwrap();
        edges
    }

    #[test]
    fn links_stay_in_order_through_insertion_and_removal() {
        let mut row = LinkRow(Vec::new());
        for name in ["b", "d", "a", "000000000000000000000001", "c"] {
            let (edge, link) = link(name, "x");
            let at = row.find(&edge).unwrap().unwrap_err();
            row.insert(at, &link);
            assert!(row.find(&edge).unwrap().is_ok());
        }
        assert_eq!(edges(&row), ["000000000000000000000001", "a", "b", "c", "d"]);
        let range = row.find(&link("b", "x").0).unwrap().unwrap();
        row.0.drain(range);
        assert_eq!(edges(&row), ["000000000000000000000001", "a", "c", "d"]);
        assert_eq!(row.first_edge().unwrap(), link("000000000000000000000001", "y").0);
    }

    #[test]
    fn a_long_row_splits_between_two_links() {
        let mut row = LinkRow(Vec::new());
        let mut n = 0;
        let rest = loop {
            row.insert(row.0.len(), &link(&format!("{n:04}"), &"o".repeat(n % 100 + 1)).1);
            n += 1;
            if let Some(rest) = row.split() {
                break rest;
            }
        };
        let all: Vec<String> = edges(&row).into_iter().chain(edges(&rest)).collect();
        assert_eq!(all, (0..n).map(|n| format!("{n:04}")).collect::<Vec<_>>());
        assert!(row.0.len() > 300 && rest.0.len() > 300);
    }

    #[test]
    fn damaged_rows_are_told() {
        let whole = [link("a", "x").1, link("000000000000000000000001", "y").1].concat();
        let ends = [link("a", "x").1.len(), whole.len()];
        for cut in 1..whole.len() {
            if ends.contains(&cut) {
                continue;
            }
            assert!(for_each_link(&whole[..cut], &catalog(), |_| ()).is_none(), "cut at {cut}");
            assert!(LinkRow(whole[..cut].to_vec()).find(&[0xff]).is_none(), "cut at {cut}");
        }
    }
}
