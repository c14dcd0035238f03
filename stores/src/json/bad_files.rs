//! Files that cannot be read as documents, and what is left out for them.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde_json::{Value, json};
use wayfare_graph::{EntityName, Filter, FilterError, Id, Kind, Page, Query};

use super::file_name::file_name;

/// A file that cannot be read as a document.
#[derive(Debug, Clone)]
pub(super) struct BadFile {
    /// The entity whose file it is, where its name or an earlier look tells.
    pub(super) id: Option<Id>,
    pub(super) reason: String,
}

/// All such files, by kind and name.
#[derive(Debug, Default)]
pub(super) struct BadFiles(BTreeMap<(Kind, String), BadFile>);

impl BadFiles {
    pub(super) fn insert(&mut self, at: (Kind, String), bad: BadFile) {
        self.0.insert(at, bad);
    }

    pub(super) fn remove(&mut self, at: &(Kind, String)) {
        self.0.remove(at);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, &str, &BadFile)> {
        self.0.iter().map(|((kind, name), bad)| (*kind, name.as_str(), bad))
    }

    /// The name of the bad file of an entity, and why it cannot be read.
    pub(super) fn fault_of(&self, id: &Id) -> Option<(&str, &str)> {
        if self.0.is_empty() {
            return None;
        }
        // A name that was cut tells no id, but the id tells the name.
        let by_name = self.0.get_key_value(&(id.kind(), file_name(id)));
        let found = by_name.or_else(|| self.0.iter().find(|(_, bad)| bad.id.as_ref() == Some(id)));
        found.map(|((_, name), bad)| (name.as_str(), bad.reason.as_str()))
    }

    /// The entities of a kind that have such files.
    pub(super) fn ids(&self, kind: Kind) -> impl Iterator<Item = &Id> {
        self.iter().filter(move |(of, _, _)| *of == kind).filter_map(|(_, _, bad)| bad.id.as_ref())
    }

    /// The same query for documents with good files only; `None` where it asks for no others.
    ///
    /// The journal still has the documents as they were before their files went bad.
    ///
    /// # Errors
    /// None that is known of: the condition is one that every filter can have beside its own.
    pub(super) fn left_out_of(&self, query: &Query) -> Result<Option<Query>, FilterError> {
        let is_asked = |id: &&Id| query.entity.is_none_or(|entity: EntityName| entity == id.entity());
        let ids: Vec<String> = self.ids(query.kind).filter(is_asked).map(Id::to_string).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let mut filter = query.filter.to_value();
        let readable = json!({"id": {"$nin": ids}});
        // Not with the filter inside another `$and`, which would nest it deeper than filters may be.
        match filter.get_mut("$and").and_then(Value::as_array_mut) {
            Some(conditions) => conditions.push(readable),
            None => filter["$and"] = json!([readable]),
        }
        Ok(Some(Query { filter: Filter::parse(&filter)?, ..query.clone() }))
    }

    /// Takes the documents with such files out of a page.
    pub(super) fn leave_out_of(&self, kind: Kind, page: &mut Page) {
        let ids: FxHashSet<&Id> = self.ids(kind).collect();
        if !ids.is_empty() {
            page.documents.retain(|document| !ids.contains(document.id()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter_without(filter: Value) -> Value {
        let mut bad = BadFiles::default();
        let id: Id = "n.City.a".parse().unwrap();
        bad.insert((Kind::Node, "n.City.a.json".into()), BadFile { id: Some(id), reason: "x".into() });
        let query = Query { filter: Filter::parse(&filter).unwrap(), ..Query::kind(Kind::Node) };
        assert!(bad.left_out_of(&Query::kind(Kind::Edge)).unwrap().is_none());
        bad.left_out_of(&query).unwrap().unwrap().filter.to_value()
    }

    #[test]
    fn every_filter_takes_the_condition_in_addition() {
        let readable = json!({"id": {"$nin": ["n.City.a"]}});
        assert_eq!(filter_without(json!({})), json!({"$and": [readable]}));
        assert_eq!(
            filter_without(json!({"id": "n.City.b", "$and": [{"_id": "n.City.c"}]})),
            json!({"id": "n.City.b", "$and": [{"_id": "n.City.c"}, readable]})
        );
        // As deep as a filter can be.
        let deepest: Value =
            serde_json::from_str(&format!("{{\"a\": {}{}}}", "[".repeat(99), "]".repeat(99))).unwrap();
        assert!(filter_without(deepest).get("a").is_some());
    }
}
