//! The tables of a file.

use heed::types::Bytes;
use heed::{Database, Env, RoTxn, RwTxn, WithoutTls};
use wayfare_graph::Kind;

/// A table of bytes by bytes, ordered by key.
pub(super) type Table = Database<Bytes, Bytes>;

/// All tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables {
    /// `format`; `e` and a code: the entity name; `c`, a kind and a code: how many documents there are;
    /// `i` and a number: an index definition.
    pub(super) meta: Table,
    /// Documents and links by entity code, key and section, see [`codec`](super::codec).
    pub(super) node: Table,
    /// Links of edges that enter a node, by its entity code and key, see [`links`](super::links).
    pub(super) incoming: Table,
    /// Documents by entity code and key.
    pub(super) edge: Table,
    pub(super) object: Table,
    pub(super) walker: Table,
    /// Source, target, the entity code and the key of an edge: nothing.
    pub(super) pair: Table,
    /// The number of an index, the values of its fields, the key of a document and its length: nothing.
    pub(super) index: Table,
    /// Of a store that is the journal of files elsewhere.
    pub(super) journal: Option<JournalTables>,
}

/// What is known of the files that a journal is written to, both by kind letter and text of the id.
#[derive(Debug, Clone, Copy)]
pub(super) struct JournalTables {
    /// Documents whose file is not as they are: the number of the change.
    pub(super) pending: Table,
    /// What the file of a document was like when it was last written or read.
    pub(super) file: Table,
}

/// The name of the table that tells our files from other LMDB files.
pub(super) const META: &str = "meta";

/// Room for the tables above, and some more for later formats.
pub(super) const MAX_TABLES: u32 = 16;

impl Tables {
    /// Makes those that are not there yet.
    pub(super) fn create(env: &Env<WithoutTls>, txn: &mut RwTxn<'_>, journal: bool) -> heed::Result<Self> {
        let mut table = |name| env.create_database(txn, Some(name));
        let journal = match journal {
            true => Some(JournalTables { pending: table("pending")?, file: table("file")? }),
            false => None,
        };
        Ok(Self {
            meta: table(META)?,
            node: table("node")?,
            incoming: table("incoming")?,
            edge: table("edge")?,
            object: table("object")?,
            walker: table("walker")?,
            pair: table("pair")?,
            index: table("index")?,
            journal,
        })
    }

    /// The documents of a kind.
    pub(super) fn of(&self, kind: Kind) -> Table {
        match kind {
            Kind::Object => self.object,
            Kind::Node => self.node,
            Kind::Edge => self.edge,
            Kind::Walker => self.walker,
        }
    }

    /// Bytes of the pages in use; those that wait to be used again do not count.
    pub(super) fn used_bytes(&self, txn: &RoTxn<'_>) -> heed::Result<u64> {
        let Self { meta, node, incoming, edge, object, walker, pair, index, journal: _ } = self;
        [meta, node, incoming, edge, object, walker, pair, index].into_iter().try_fold(0, |sum, table| {
            let stat = table.stat(txn)?;
            let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
            Ok(sum + pages as u64 * u64::from(stat.page_size))
        })
    }
}
