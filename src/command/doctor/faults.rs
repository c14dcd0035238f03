//! What was found, counted by what it is and whom it is about.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wayfare::{EntityName, Finding, Id};

/// Places that a report names at most of one sort of fault.
const TOLD: usize = 10;

/// Faults by their name and entity.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeMap<(&'static str, String), Group>);

#[derive(Debug, Default)]
struct Group {
    count: u64,
    repaired: u64,
    first: Vec<String>,
    /// Told, and no fault.
    is_note: bool,
}

impl Faults {
    /// Takes a fault of a document.
    pub(super) fn at(&mut self, fault: &'static str, id: &Id, repaired: bool) {
        self.add(fault, id.entity().as_str(), id.to_string(), repaired);
    }

    /// Takes a document that does not fit its type.
    pub(super) fn unfit(&mut self, id: &Id, reason: &str) {
        self.add("unfit_document", id.entity().as_str(), format!("`{id}`: {reason}"), false);
    }

    /// Takes what may be meant as it is.
    pub(super) fn note(&mut self, what: &'static str, entity: EntityName, id: &Id) {
        self.add(what, entity.as_str(), id.to_string(), false);
        if let Some(group) = self.0.get_mut(&(what, entity.as_str().to_owned())) {
            group.is_note = true;
        }
    }

    /// Takes what the store itself has found.
    pub(super) fn found(&mut self, finding: &Finding) {
        let (fault, entity) = match finding {
            Finding::BadDocument { .. } => ("bad_document", ""),
            Finding::IndexMismatch { entity, .. } => ("index_mismatch", entity.as_str()),
            Finding::Duplicate { entity, .. } => ("shared_values", entity.as_str()),
            _ => ("other", ""),
        };
        self.add(fault, entity, finding.to_string(), finding.is_repaired());
    }

    fn add(&mut self, fault: &'static str, entity: &str, place: String, repaired: bool) {
        let group = self.0.entry((fault, entity.to_owned())).or_default();
        group.count += 1;
        group.repaired += u64::from(repaired);
        if group.first.len() < TOLD {
            group.first.push(place);
        }
    }

    /// How many faults there are.
    pub(super) fn count(&self) -> u64 {
        self.0.values().filter(|group| !group.is_note).map(|group| group.count).sum()
    }

    /// How many of them were repaired.
    pub(super) fn repaired(&self) -> u64 {
        self.0.values().map(|group| group.repaired).sum()
    }

    /// One row for each sort of fault and entity.
    pub(super) fn rows(&self) -> Vec<Value> {
        let row = |((fault, entity), group): (&(&str, String), &Group)| {
            json!({
                "fault": fault,
                "entity": entity,
                "count": group.count,
                "repaired": group.repaired,
                "first": group.first,
            })
        };
        self.0.iter().map(row).collect()
    }
}
