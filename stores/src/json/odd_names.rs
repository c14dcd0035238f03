//! Documents in files whose names do not tell their ids.

use rustc_hash::FxHashMap;
use wayfare_graph::{Id, Kind};

/// Which documents such files hold, and which files hold such documents.
#[derive(Debug, Default)]
pub(super) struct OddNames {
    ids: FxHashMap<(Kind, String), Id>,
    names: FxHashMap<Id, String>,
}

impl OddNames {
    pub(super) fn insert(&mut self, at: (Kind, String), id: Id) {
        self.names.insert(id.clone(), at.1.clone());
        self.ids.insert(at, id);
    }

    pub(super) fn remove(&mut self, at: &(Kind, String)) {
        let Some(id) = self.ids.remove(at) else { return };
        if self.name_of(&id) == Some(&at.1) {
            self.names.remove(&id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.names.clear();
    }

    /// The document that a file holds.
    pub(super) fn id_of(&self, at: &(Kind, String)) -> Option<&Id> {
        self.ids.get(at)
    }

    /// The name of the file that holds a document.
    pub(super) fn name_of(&self, id: &Id) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }
}
