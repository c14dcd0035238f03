//! Nodes with their neighbours, each by one look into the table.

use wayfare_graph::{Adjacency, Direction, Document, Id, Kind, Link, Loaded, Need};

use super::codec::{ID_BYTES, KeyBuf, Section};
use super::fault::Fault;
use super::links::for_each_link;
use super::read::{Row, View};

/// The rows of a node that a need asks for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    need: Need,
    first: Section,
    last: Section,
}

impl Wanted {
    fn of(need: Need) -> Self {
        let [out, into, both] = Direction::ALL.map(|direction| need.wants_links(direction));
        let first = if out || both { Section::Out } else { Section::Document };
        let last = match (into || both, out) {
            (true, _) => Section::In,
            (false, true) => Section::Bidirectional,
            (false, false) => Section::Document,
        };
        Self { need, first, last }
    }

    /// The directions in which the links of a section are wanted.
    fn directions(self, section: u8) -> impl Iterator<Item = Direction> + Clone {
        let holds = move |direction: &Direction| match direction {
            Direction::Out => section <= Section::Bidirectional as u8,
            Direction::In => section >= Section::Bidirectional as u8,
            Direction::Both => true,
        };
        wanted_links(self.need).filter(holds)
    }
}

fn wanted_links(need: Need) -> impl Iterator<Item = Direction> + Clone {
    Direction::ALL.into_iter().filter(move |&direction| need.wants_links(direction))
}

impl<'t> View<'t> {
    /// Nodes and their neighbours.
    pub(super) fn load(&self, ids: &[Id], need: Need) -> Result<Loaded, Fault> {
        let mut loaded = Loaded { documents: Vec::with_capacity(ids.len()), ..Loaded::default() };
        let wanted = Wanted::of(need);
        for id in ids {
            let document = match (id.kind(), wanted.first, wanted.last) {
                (Kind::Node, Section::Document, Section::Document) => self.document(id)?,
                (Kind::Node, ..) => self.node(id, wanted, &mut loaded.adjacency)?,
                _ => None,
            };
            for direction in wanted_links(need) {
                let adjacency = &mut loaded.adjacency[direction as usize];
                adjacency.ends.push(adjacency.links.len());
            }
            loaded.documents.push(document);
        }
        for direction in wanted_links(need).filter(|&direction| need.wants_edges(direction)) {
            let Adjacency { links, edges, .. } = &mut loaded.adjacency[direction as usize];
            *edges = links.iter().map(|link| self.listed_document(&link.edge)).collect::<Result<_, _>>()?;
        }
        Ok(loaded)
    }

    /// Reads one node; its links go to the end of those that are wanted.
    fn node(
        &self,
        id: &Id,
        wanted: Wanted,
        adjacency: &mut [Adjacency; 3],
    ) -> Result<Option<Document>, Fault> {
        let starts = [0, 1, 2].map(|direction: usize| adjacency[direction].links.len());
        let mut document = None;
        for row in self.node_rows(id, wanted.first, wanted.last)? {
            let (section, bytes) = row?;
            if section == Section::Document as u8 {
                document = Some(self.document_of(id.clone(), bytes)?);
                continue;
            }
            let directions = wanted.directions(section);
            let read = for_each_link(bytes, self.catalog, |link| {
                for direction in directions.clone() {
                    adjacency[direction as usize].links.push(link.clone());
                }
            });
            read.ok_or_else(|| damaged_links(id))?;
        }
        for direction in wanted_links(wanted.need) {
            sort_links(&mut adjacency[direction as usize].links[starts[direction as usize]..]);
        }
        Ok(document)
    }

    /// The links of a node from the first to the last section, in the order of their edges' ids.
    pub(super) fn links(&self, node: &Id, first: Section, last: Section) -> Result<Vec<Link>, Fault> {
        let mut links = Vec::new();
        for row in self.node_rows(node, first, last)? {
            let (section, bytes) = row?;
            if section != Section::Document as u8 {
                let read = for_each_link(bytes, self.catalog, |link| links.push(link));
                read.ok_or_else(|| damaged_links(node))?;
            }
        }
        sort_links(&mut links);
        Ok(links)
    }

    /// The sections and values of a node's rows.
    fn node_rows(
        &self,
        node: &Id,
        first: Section,
        last: Section,
    ) -> Result<impl Iterator<Item = heed::Result<(u8, &'t [u8])>> + use<'t>, Fault> {
        // No row has the code of an entity that was never stored.
        let code = self.catalog.code(node.entity()).unwrap_or(u16::MAX);
        let mut start = KeyBuf::<{ ID_BYTES + 1 }>::new();
        start.push_id(code, node);
        let section_at = start.len();
        let mut end = KeyBuf::<{ ID_BYTES + 1 }>::new();
        end.extend(start.as_slice());
        start.push(first as u8);
        end.push(last as u8 + 1);
        let rows = self.range(self.tables.node, start.as_slice(), end.as_slice())?;
        Ok(rows.map(move |row| row.map(|(key, value): Row<'t>| (key[section_at], value))))
    }
}

/// Puts the links of one node into the order of their edges' ids.
///
/// The sort is stable: the two links of a directed self loop keep the order of their sections.
fn sort_links(links: &mut [Link]) {
    if !links.is_sorted_by(|a, b| a.edge.cmp_by_key(&b.edge).is_le()) {
        links.sort_by(|a, b| a.edge.cmp_by_key(&b.edge));
    }
}

fn damaged_links(node: &Id) -> Fault {
    Fault::damaged(node.to_string(), "a row of its links cannot be read")
}
