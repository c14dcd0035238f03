//! What a file says about itself: the codes of entity names, and its indexes.

use std::sync::Arc;

use serde_json::{Value, json};
use wayfare_graph::{EntityName, Filter, Index, Kind, split_path};

use super::fault::Fault;

/// Marks a process-wide name without a code in this file.
const NO_CODE: u16 = u16::MAX;

/// Most entity names that a file can hold.
pub(super) const MAX_NAMES: usize = NO_CODE as usize;

/// An index as the file has it.
#[derive(Debug, Clone)]
pub(super) struct NumberedIndex {
    /// What its rows begin with.
    pub(super) number: u16,
    pub(super) index: Index,
    /// The fields, split at their dots.
    pub(super) paths: Vec<Vec<String>>,
    /// Whether a document may have a list along one of the fields. Once set it stays.
    pub(super) lists: bool,
    /// Whether rows of documents may still be missing: writes keep it, no query uses it.
    pub(super) building: bool,
}

impl NumberedIndex {
    pub(super) fn new(number: u16, index: Index, lists: bool) -> Self {
        let paths = index.fields.iter().map(|field| split_path(field)).collect();
        Self { number, index, paths, lists, building: false }
    }
}

/// The names and indexes of one file, in memory.
///
/// Names are only ever added: a code that was once given out stays, even when the transaction that
/// asked for it is not committed.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalog {
    names: Vec<EntityName>,
    /// By the process-wide number of the name.
    codes: Vec<u16>,
    pub(super) indexes: Vec<Arc<NumberedIndex>>,
}

impl Catalog {
    /// The name behind a code of the file.
    pub(super) fn name(&self, code: u16) -> Option<EntityName> {
        self.names.get(usize::from(code)).copied()
    }

    /// The file's code for a name, `None` when the file has never stored it.
    pub(super) fn code(&self, name: EntityName) -> Option<u16> {
        self.codes.get(usize::from(name.code())).copied().filter(|&code| code != NO_CODE)
    }

    /// All names, in the order of their codes.
    pub(super) fn names(&self) -> &[EntityName] {
        &self.names
    }

    /// Gives a code to a name that has none, `None` when all are given out.
    pub(super) fn add(&mut self, name: EntityName) -> Option<u16> {
        let code = u16::try_from(self.names.len()).ok().filter(|&code| code != NO_CODE)?;
        let at = usize::from(name.code());
        if self.codes.len() <= at {
            self.codes.resize(at + 1, NO_CODE);
        }
        self.codes[at] = code;
        self.names.push(name);
        Some(code)
    }

    /// The indexes over the documents of an entity, those that are being built too.
    pub(super) fn indexes_of(
        &self,
        kind: Kind,
        entity: EntityName,
    ) -> impl Iterator<Item = &Arc<NumberedIndex>> {
        self.indexes.iter().filter(move |index| index.index.kind == kind && index.index.entity == entity)
    }

    /// Notes that documents of an index may have lists.
    pub(super) fn note_lists(&mut self, number: u16) {
        for index in self.indexes.iter_mut().filter(|index| index.number == number) {
            Arc::make_mut(index).lists = true;
        }
    }

    /// The smallest number that no index has, `None` when all are taken.
    pub(super) fn free_index_number(&self) -> Option<u16> {
        // The largest number stays free, so that every prefix of index rows has an end.
        (0..u16::MAX).find(|number| self.indexes.iter().all(|index| index.number != *number))
    }
}

/// The stored form of an index definition.
pub(super) fn index_to_bytes(index: &NumberedIndex) -> Vec<u8> {
    let NumberedIndex { index: Index { kind, entity, fields, unique, .. }, lists, building, .. } = index;
    let mut definition = json!({
        "kind": kind.letter(), "entity": entity.as_str(), "fields": fields, "unique": unique, "lists": lists,
    });
    // What most indexes do not have is left out, as in files from before.
    let mut put = |name: &str, value: Value| definition[name] = value;
    if *building {
        put("building", Value::Bool(true));
    }
    if !index.index.partial.is_all() {
        put("partial", index.index.partial.to_value());
    }
    if !index.index.descending.is_empty() {
        put("descending", json!(index.index.descending));
    }
    if let Some(name) = &index.index.name {
        put("name", json!(name));
    }
    definition.to_string().into_bytes()
}

/// Reads what [`index_to_bytes`] wrote.
pub(super) fn index_from_bytes(number: u16, bytes: &[u8]) -> Result<NumberedIndex, Fault> {
    let read = || {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let kind = Kind::from_letter(value["kind"].as_str()?.chars().next()?)?;
        let entity = EntityName::new(value["entity"].as_str()?).ok()?;
        let fields = value["fields"].as_array()?.iter();
        let fields = fields.map(|field| field.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        let fields: Vec<String> = fields;
        let mut index = Index::new(kind, entity, fields).unique(value["unique"].as_bool()?);
        if let Some(partial) = value.get("partial") {
            index.partial = Filter::parse(partial).ok()?;
        }
        if let Some(descending) = value.get("descending") {
            index.descending = serde_json::from_value(descending.clone()).ok()?;
        }
        index.name = value.get("name").and_then(Value::as_str).map(str::to_owned);
        let mut numbered = NumberedIndex::new(number, index, value["lists"].as_bool()?);
        numbered.building = value.get("building").is_some();
        Some(numbered)
    };
    read().ok_or_else(|| Fault::damaged("table `meta`", "an index definition cannot be read"))
}

/// Where the definition of an index is kept in the table `meta`.
pub(super) fn index_key(number: u16) -> [u8; 3] {
    let [high, low] = number.to_be_bytes();
    [b'i', high, low]
}

/// Where an entity name is kept in the table `meta`.
pub(super) fn name_key(code: u16) -> [u8; 3] {
    let [high, low] = code.to_be_bytes();
    [b'e', high, low]
}
