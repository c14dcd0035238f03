//! Nodes with their neighbours: for most needs, one look into the table of nodes.

use wayfare_graph::{Adjacency, Direction, Document, Id, Kind, Link, Loaded, Need};

use super::codec::{ID_BYTES, KeyBuf, Section, after_prefix};
use super::fault::Fault;
use super::links::for_each_link;
use super::read::View;

/// Which links a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    Out,
    Bidirectional,
    In,
}

impl Links {
    /// Whether they can be followed in a direction.
    fn lead(self, direction: Direction) -> bool {
        match direction {
            Direction::Out => self != Self::In,
            Direction::In => self != Self::Out,
            Direction::Both => true,
        }
    }
}

/// What one row of a node holds.
enum NodeRow<'t> {
    Document(&'t [u8]),
    Links(Links, &'t [u8]),
}

impl<'t> View<'t> {
    /// Nodes and their neighbours, and edges.
    pub(super) fn load(&self, ids: &[Id], need: Need) -> Result<Loaded, Fault> {
        let mut loaded = Loaded { documents: Vec::with_capacity(ids.len()), ..Loaded::default() };
        let wanted: Vec<Direction> =
            Direction::ALL.into_iter().filter(|&direction| need.wants_links(direction)).collect();
        for id in ids {
            let document = match id.kind() {
                Kind::Node if wanted.is_empty() => self.document(id)?,
                Kind::Node => self.node(id, &wanted, &mut loaded.adjacency)?,
                // It has no neighbours: its ends are part of it.
                Kind::Edge => self.document(id)?,
                _ => None,
            };
            for &direction in &wanted {
                let adjacency = &mut loaded.adjacency[direction as usize];
                adjacency.ends.push(adjacency.links.len());
            }
            loaded.documents.push(document);
        }
        for direction in wanted.into_iter().filter(|&direction| need.wants_edges(direction)) {
            let Adjacency { links, edges, .. } = &mut loaded.adjacency[direction as usize];
            *edges = links.iter().map(|link| self.listed_document(&link.edge)).collect::<Result<_, _>>()?;
        }
        Ok(loaded)
    }

    /// Reads one node; its links go to the end of those that are wanted.
    fn node(
        &self,
        id: &Id,
        wanted: &[Direction],
        adjacency: &mut [Adjacency; 3],
    ) -> Result<Option<Document>, Fault> {
        let starts = [0, 1, 2].map(|direction: usize| adjacency[direction].links.len());
        let mut document = None;
        self.node_rows(id, wanted, |row| {
            match row {
                NodeRow::Document(bytes) => document = Some(self.document_of(id.clone(), bytes)?),
                NodeRow::Links(links, bytes) => {
                    let read = for_each_link(bytes, self.catalog, |link| {
                        for &direction in wanted.iter().filter(|&&direction| links.lead(direction)) {
                            adjacency[direction as usize].links.push(link.clone());
                        }
                    });
                    read.ok_or_else(|| damaged_links(id))?;
                }
            }
            Ok(())
        })?;
        for &direction in wanted {
            sort_links(&mut adjacency[direction as usize].links[starts[direction as usize]..]);
        }
        Ok(document)
    }

    /// The links of a node in a direction, in the order of their edges' ids.
    pub(super) fn links(&self, node: &Id, direction: Direction) -> Result<Vec<Link>, Fault> {
        let mut found = Vec::new();
        self.node_rows(node, &[direction], |row| match row {
            NodeRow::Links(links, bytes) if links.lead(direction) => {
                let read = for_each_link(bytes, self.catalog, |link| found.push(link));
                read.ok_or_else(|| damaged_links(node))
            }
            _ => Ok(()),
        })?;
        sort_links(&mut found);
        Ok(found)
    }

    /// Calls `each` for the rows of a node that directions need: the document, and links.
    fn node_rows(
        &self,
        node: &Id,
        directions: &[Direction],
        mut each: impl FnMut(NodeRow<'t>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Some(code) = self.catalog.code(node.entity()) else {
            return Ok(());
        };
        let mut own = KeyBuf::<ID_BYTES>::new();
        own.push_id(code, node);
        let bound = |section: Section| {
            let mut key = KeyBuf::<{ ID_BYTES + 1 }>::new();
            key.extend(own.as_slice());
            key.push(section as u8);
            key
        };
        let leaving = directions.iter().any(|&direction| Links::Out.lead(direction));
        let first = bound(if leaving { Section::Out } else { Section::Document });
        for row in self.range(self.tables.node, first.as_slice(), bound(Section::End).as_slice())? {
            let (key, bytes) = row?;
            each(match key.get(own.len()) {
                Some(&section) if section == Section::Document as u8 => NodeRow::Document(bytes),
                Some(&section) if section == Section::Out as u8 => NodeRow::Links(Links::Out, bytes),
                _ => NodeRow::Links(Links::Bidirectional, bytes),
            })?;
        }
        if directions.iter().any(|&direction| Links::In.lead(direction)) {
            let end = after_prefix(own.as_slice());
            for row in self.range(self.tables.incoming, own.as_slice(), &end)? {
                each(NodeRow::Links(Links::In, row?.1))?;
            }
        }
        Ok(())
    }
}

/// Puts the links of one node into the order of their edges' ids.
///
/// The sort is stable: the two links of a directed self loop keep the order of their rows.
fn sort_links(links: &mut [Link]) {
    if !links.is_sorted_by(|a, b| a.edge.cmp_by_key(&b.edge).is_le()) {
        links.sort_by(|a, b| a.edge.cmp_by_key(&b.edge));
    }
}

fn damaged_links(node: &Id) -> Fault {
    Fault::damaged(node.to_string(), "a row of its links cannot be read")
}
