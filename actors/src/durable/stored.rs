//! The form in which a durable walk is stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wayfare_graph::{
    Body, Document, EntityName, FrontierDelta, Id, Key, Kind, StoreError, WalkError, WalkOptions,
};

/// The entity of the documents of walks.
const WALK: &str = "Walk";

/// The entity of what has happened to their queues.
const PART: &str = "WalkPart";

/// Most parts that a walk is taken up from: many times as many as are put together in one.
const MOST_STORED_PARTS: u32 = 16 * super::MOST_PARTS;

pub(crate) fn walk_entity() -> EntityName {
    EntityName::new(WALK).expect("letters are a name")
}

/// How far a stored walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkStatus {
    /// It was started under a key and is not durable; what became of it is not stored.
    Started,
    /// It is under way, or waits for a process that takes it up.
    Running,
    /// It failed again and again, and waits to be retried or dropped.
    Parked,
    /// It has ended well, and is kept for its key.
    Done,
}

/// Why a walk did not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredFailure {
    pub(crate) error: String,
    pub(crate) at: Option<Id>,
    /// Failures at that node since the last checkpoint.
    pub(crate) attempts: u32,
}

/// The document of a walk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredWalk {
    pub(crate) walker: String,
    pub(crate) status: WalkStatus,
    pub(crate) start: Id,
    /// The walker, or null.
    pub(crate) state: Value,
    pub(crate) options: Option<WalkOptions>,
    /// Whether its hooks before the first visit have run.
    pub(crate) entered: bool,
    pub(crate) visits: u64,
    pub(crate) taken_us: u64,
    /// Visits by node, where they are counted.
    pub(crate) per_node: Vec<(Id, u64)>,
    /// The number of its first part; those before it were put together in that one.
    #[serde(default)]
    pub(crate) first_part: u32,
    /// The number of the next part, and how the keys of parts begin.
    pub(crate) parts: u32,
    pub(crate) parts_key: String,
    /// What it reported, once it is done; until then it lies in the parts.
    pub(crate) report: Vec<Value>,
    /// Whether it is kept when it is done.
    pub(crate) keyed: bool,
    pub(crate) failure: Option<StoredFailure>,
    /// How often it was taken up since the last checkpoint.
    pub(crate) taken_up: u32,
}

impl StoredWalk {
    /// A walk that begins.
    pub(crate) fn running(
        walker: &str,
        start: &Id,
        state: Value,
        options: &WalkOptions,
        parts_key: String,
        keyed: bool,
    ) -> Self {
        Self { state, options: Some(options.clone()), parts_key, keyed, ..Self::started(walker, start) }
            .with_status(WalkStatus::Running)
    }

    /// A walk of which only the key is stored.
    pub(crate) fn started(walker: &str, start: &Id) -> Self {
        Self {
            walker: walker.into(),
            status: WalkStatus::Started,
            start: start.clone(),
            state: Value::Null,
            options: None,
            entered: false,
            visits: 0,
            taken_us: 0,
            per_node: Vec::new(),
            first_part: 0,
            parts: 0,
            parts_key: String::new(),
            report: Vec::new(),
            keyed: true,
            failure: None,
            taken_up: 0,
        }
    }

    pub(crate) fn with_status(mut self, status: WalkStatus) -> Self {
        self.status = status;
        self
    }

    /// Notes that a checkpoint is stored, which holds everything when `whole`: what failed before it counts
    /// no more.
    pub(crate) fn progressed(&mut self, whole: bool) {
        if whole {
            self.first_part = self.parts;
        }
        self.parts += 1;
        self.failure = None;
        self.taken_up = 0;
    }

    /// # Errors
    /// [`WalkError::Store`] when the walker's state cannot be encoded.
    pub(crate) fn document(&self, id: Id) -> Result<Document, WalkError> {
        Ok(Document::new(id, encode(self)?))
    }

    /// # Errors
    /// [`WalkError::Store`] when the document is none of a walk.
    pub(crate) fn read(document: &Document) -> Result<Self, WalkError> {
        let id = document.id();
        let stored: Self = document.decode().map_err(|error| damaged(id, &error.to_string()))?;
        stored.check().map_err(|reason| damaged(id, reason)).map(|()| stored)
    }

    /// Refuses what no walk has stored: its parts are named one by one, and would be so by the thousand million.
    fn check(&self) -> Result<(), &'static str> {
        let parts = self.parts.checked_sub(self.first_part).ok_or("its first part comes after its last")?;
        if parts > MOST_STORED_PARTS || self.parts == u32::MAX {
            return Err("it has more parts than a walk can have");
        }
        // With the longest number, so that the key is one for every part.
        Key::new(&part_key(&self.parts_key, u32::MAX)).map_err(|_| "the key of its parts is none")?;
        Ok(())
    }

    /// The ids of its parts, in order.
    pub(crate) fn part_ids(&self) -> Vec<Id> {
        (self.first_part..self.parts).map(|part| self.part_id(part)).collect()
    }

    pub(crate) fn part_id(&self, part: u32) -> Id {
        let entity = EntityName::new(PART).expect("letters are a name");
        let key = Key::new(&part_key(&self.parts_key, part)).expect("checked when it was read, or generated");
        Id::new(Kind::Walker, entity, &key)
    }
}

fn part_key(parts_key: &str, part: u32) -> String {
    format!("{parts_key}-{part:08}")
}

/// What has happened between two checkpoints. Numbers in `delta` that are slots elsewhere are places in
/// `names` here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredPart {
    pub(crate) names: Vec<Id>,
    pub(crate) delta: FrontierDelta,
    /// Values reported.
    pub(crate) report: Vec<Value>,
}

impl StoredPart {
    /// # Errors
    /// [`WalkError::Store`] when a reported value cannot be encoded.
    pub(crate) fn document(&self, id: Id) -> Result<Document, WalkError> {
        Ok(Document::new(id, encode(self)?))
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Body, WalkError> {
    Body::encode(value).map_err(|error| {
        WalkError::Store(std::sync::Arc::new(StoreError::Damaged {
            what: "the state of a walk".into(),
            reason: error.to_string(),
        }))
    })
}

pub(crate) fn damaged(id: &Id, reason: &str) -> WalkError {
    let error = StoreError::Damaged { what: id.to_string(), reason: reason.into() };
    WalkError::Store(std::sync::Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(change: impl FnOnce(&mut StoredWalk)) -> Result<StoredWalk, WalkError> {
        let mut stored = StoredWalk::started("Walker", &Id::root());
        stored.parts_key = "d400618fa5094d6b9c223223".into();
        change(&mut stored);
        StoredWalk::read(&stored.document("w.Walk.a".parse().unwrap()).unwrap())
    }

    #[test]
    fn parts_that_no_walk_can_have_are_refused_when_it_is_read() {
        assert_eq!(read_with(|stored| stored.parts = 3).unwrap().part_ids().len(), 3);
        let refused = |change: fn(&mut StoredWalk), part: &str| {
            let error = read_with(change).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(|stored| stored.parts = u32::MAX - 1, "more parts");
        refused(|stored| (stored.first_part, stored.parts) = (u32::MAX - 1, u32::MAX), "more parts");
        refused(|stored| stored.first_part = 1, "after its last");
        refused(|stored| stored.parts_key = "a\nb".into(), "the key of its parts");
        refused(|stored| stored.parts_key = "x".repeat(120), "the key of its parts");
    }
}
