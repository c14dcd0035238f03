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
        document.decode().map_err(|error| damaged(document.id(), &error.to_string()))
    }

    /// The ids of its parts, in order.
    pub(crate) fn part_ids(&self) -> Vec<Id> {
        (self.first_part..self.parts).map(|part| self.part_id(part)).collect()
    }

    pub(crate) fn part_id(&self, part: u32) -> Id {
        let entity = EntityName::new(PART).expect("letters are a name");
        let key = Key::new(&format!("{}-{part:08}", self.parts_key)).expect("a generated key and digits");
        Id::new(Kind::Walker, entity, &key)
    }
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
