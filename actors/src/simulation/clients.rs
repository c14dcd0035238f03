//! Those who use the runtime: each operation is a task, and judges the answer that it gets.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use parking_lot::Mutex;
use wayfare_graph::{
    Direction, Document, Ends, EntityName, Id, Key, Kind, Random, StoreError, WalkError, Write, WriteBatch,
    WriteError, WriteResult, Written,
};

use super::disk::Mark;
use super::life::Config;
use super::model::{Moment, Seen};
use super::scheduler::Scheduler;
use super::store::World;
use super::walker::{WalkLog, Wanderer};
use crate::core::Core;
use crate::pins::PinError;
use crate::spawn::{SpawnHow, Spawned, spawn_walk};

/// Edges that there may be.
const EDGES: u64 = 6;

/// Sorts of operations.
pub(super) const OPERATIONS: usize = 12;

/// Operations under way at once.
pub(super) const AT_ONCE: usize = 8;

/// The users of one life of a runtime.
#[derive(Clone)]
pub(super) struct Clients {
    pub(super) core: Arc<Core>,
    pub(super) world: Arc<Mutex<World>>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) nodes: u64,
    /// What they have read last: their saves are based on it.
    read: Rc<RefCell<BTreeMap<Id, Document>>>,
    /// Operations without an answer.
    open: Rc<RefCell<BTreeMap<u64, String>>>,
    next: Rc<Cell<u64>>,
    walks: Rc<RefCell<Vec<Rc<Spawned>>>>,
    /// Nodes that are pinned; `false` while they are being.
    pinned: Rc<RefCell<BTreeMap<Id, bool>>>,
}

/// The id of a node.
pub(super) fn node(number: u64) -> Id {
    Id::node("SimNode", &format!("n{number}")).unwrap()
}

/// Whether a node is one of those that are deleted at times.
fn is_deleted(id: &Id) -> bool {
    (0..u64::MAX).step_by(3).take(4).any(|number| *id == node(number))
}

fn edge(number: u64) -> Id {
    let entity = EntityName::new("SimEdge").unwrap();
    Id::new(Kind::Edge, entity, &Key::new(&format!("e{number}")).unwrap())
}

fn seen(document: Option<&Document>) -> Seen {
    document.map(|document| (document.version(), Mark::of(document).token))
}

impl Clients {
    pub(super) fn new(
        core: &Arc<Core>,
        world: &Arc<Mutex<World>>,
        scheduler: &Arc<Scheduler>,
        nodes: u64,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            world: Arc::clone(world),
            scheduler: Arc::clone(scheduler),
            nodes,
            read: Rc::default(),
            open: Rc::default(),
            next: Rc::default(),
            walks: Rc::default(),
            pinned: Rc::default(),
        }
    }

    /// Operations without an answer.
    pub(super) fn open(&self) -> Vec<String> {
        self.open.borrow().values().cloned().collect()
    }

    /// Nodes that are pinned.
    pub(super) fn pinned(&self) -> Vec<Id> {
        self.pinned.borrow().iter().filter(|(_, is_done)| **is_done).map(|(id, _)| id.clone()).collect()
    }

    /// Lets all walks go on.
    pub(super) fn resume_all(&self) {
        for walk in self.walks.borrow().iter() {
            walk.resume();
        }
    }

    /// Begins a random operation; what it is.
    pub(super) fn begin(&self, random: &mut Random, config: &Config) -> String {
        let weights = &config.weights;
        let number = self.next.get();
        self.next.set(number + 1);
        // One of them more often than the others, so that operations meet.
        let id = node([0, random.below(self.nodes)][random.below(2) as usize]);
        let mut drawn = random.below(weights.iter().sum());
        let drawn = weights.iter().position(|&weight| match drawn.checked_sub(weight) {
            Some(left) => {
                drawn = left;
                false
            }
            None => true,
        });
        let what = match drawn {
            Some(0) => self.save(number, random),
            Some(1) => self.save_many(number, random),
            Some(2) => self.newest(number, id),
            Some(3) => self.get(number, id),
            // A node that comes back begins with the first version again, so that a save of the old one could pass
            // for one of the new: no node is both created and deleted.
            Some(4) if is_deleted(&id) => self.delete(number, id),
            Some(4) => self.upsert(number, id),
            Some(5) => self.connect(number, random),
            Some(6) => self.delete(number, edge(random.below(EDGES))),
            Some(7) => self.walk(number, id, random, config.only_reads),
            Some(8) => self.evict(number, id),
            Some(9) => self.pin(number, id),
            Some(10) => self.unpin(number, id),
            _ => self.control(random),
        };
        format!("operation {number}: {what}")
    }

    /// Runs an operation as a task that is among those open until it ends.
    fn run(&self, number: u64, what: String, work: impl Future<Output = ()> + 'static) -> String {
        let open = Rc::clone(&self.open);
        open.borrow_mut().insert(number, what.clone());
        tokio::task::spawn_local(async move {
            work.await;
            open.borrow_mut().remove(&number);
        });
        what
    }

    fn asked(&self) -> Moment {
        self.world.lock().model.tick()
    }

    /// Judges that a whole operation failed, with the tokens that it was to write.
    fn failed(&self, what: &str, error: &StoreError, tokens: &[u64]) {
        let mut world = self.world.lock();
        if !world.model.has_faults {
            world.model.broken(format!("{what} failed although the store did not: {error}"));
        }
        tokens.iter().for_each(|&token| world.model.refused(token));
    }

    /// A document to save, based on what was read, and its token.
    fn changed(&self, random: &mut Random) -> Option<(Document, u64)> {
        let read = self.read.borrow();
        let base =
            read.values().nth([0, random.below(read.len() as u64)][random.below(2) as usize] as usize)?;
        let token = self.world.lock().model.attempt(base.id(), Some(base.version().next()));
        let body = Mark { token, base: Mark::of(base).token }.body();
        Some((base.clone().with_body(body), token))
    }

    fn save(&self, number: u64, random: &mut Random) -> String {
        let Some((document, token)) = self.changed(random) else { return self.get(number, node(0)) };
        let what = format!("save {} over {}, token {token}", document.id(), document.version());
        let (clients, asked) = (self.clone(), self.asked());
        self.run(number, what, async move {
            match clients.core.save(document.clone()).await {
                Ok(result) => clients.saved(&document, token, asked, result),
                Err(error) => clients.failed("save", &error, &[token]),
            }
        })
    }

    fn save_many(&self, number: u64, random: &mut Random) -> String {
        let saves: Vec<_> = (0..1 + random.below(4)).filter_map(|_| self.changed(random)).collect();
        if saves.is_empty() {
            return self.newest(number, node(0));
        }
        let ids: Vec<String> =
            saves.iter().map(|(save, token)| format!("{} as {token}", save.id())).collect();
        let (clients, asked) = (self.clone(), self.asked());
        self.run(number, format!("save many: {}", ids.join(", ")), async move {
            let documents = saves.iter().map(|(document, _)| document.clone()).collect();
            let tokens: Vec<u64> = saves.iter().map(|&(_, token)| token).collect();
            match clients.core.save_nodes(documents).await {
                Ok(results) => {
                    for ((document, token), result) in saves.iter().zip(results) {
                        clients.saved(document, *token, asked, result);
                    }
                }
                Err(error) => clients.failed("save of many", &error, &tokens),
            }
        })
    }

    /// Judges what became of a save.
    fn saved(&self, document: &Document, token: u64, asked: Moment, result: WriteResult) {
        let mut world = self.world.lock();
        let (id, expected) = (document.id(), document.version());
        match result {
            Ok(Written::Changed { version, .. }) => {
                if version != expected.next() {
                    world.model.broken(format!("a save of {id} over {expected} made {version}"));
                }
                world.model.acknowledged(id, token);
                self.keep(document.clone().with_version(version));
                return;
            }
            Err(WriteError::Conflict { found, .. }) => {
                world.model.judge_conflict(id, asked, expected, found);
                self.read.borrow_mut().remove(id);
            }
            Err(WriteError::NotFound { .. }) => {
                if !world.model.may_be_missing(id, asked) {
                    world.model.broken(format!("a save of {id} found nothing, but it was there"));
                }
            }
            other => world.model.broken(format!("a save of {id} came to {other:?}")),
        }
        if world.model.is_durable(id, token) {
            world.model.broken(format!("write {token} of {id} was refused, but is durable"));
        }
        world.model.refused(token);
    }

    fn keep(&self, document: Document) {
        self.read.borrow_mut().insert(document.id().clone(), document);
    }

    fn newest(&self, number: u64, id: Id) -> String {
        let (clients, asked) = (self.clone(), self.asked());
        self.run(number, format!("newest of {id}"), async move {
            match clients.core.newest(&id).await {
                Ok(document) => {
                    clients.world.lock().model.judge_durable("newest", &id, asked, seen(document.as_ref()));
                    document.into_iter().for_each(|document| clients.keep(document));
                }
                Err(error) => clients.failed("newest", &error, &[]),
            }
        })
    }

    fn get(&self, number: u64, id: Id) -> String {
        let (clients, asked) = (self.clone(), self.asked());
        self.run(number, format!("get {id}"), async move {
            match clients.core.get_many(std::slice::from_ref(&id)).await {
                Ok(documents) => {
                    let document = documents.into_iter().next().flatten();
                    clients.world.lock().model.judge_durable("get", &id, asked, seen(document.as_ref()));
                    document.into_iter().for_each(|document| clients.keep(document));
                }
                Err(error) => clients.failed("get", &error, &[]),
            }
        })
    }

    fn upsert(&self, number: u64, id: Id) -> String {
        let token = self.world.lock().model.attempt(&id, None);
        let document = Document::new(id.clone(), Mark { token, base: 0 }.body());
        self.apply(number, Write::Upsert { document }, id, token)
    }

    fn delete(&self, number: u64, id: Id) -> String {
        self.apply(number, Write::Delete { id: id.clone(), expected: None }, id, 0)
    }

    fn connect(&self, number: u64, random: &mut Random) -> String {
        let id = edge(random.below(EDGES));
        let token = self.world.lock().model.attempt(&id, None);
        let (source, target) = (node(random.below(self.nodes)), node(random.below(self.nodes)));
        let ends = Ends { source, target, bidirectional: random.below(3) == 0 };
        let document = Document::edge(id.clone(), ends, Mark { token, base: 0 }.body());
        let write = match random.below(2) {
            0 => Write::Create { document, multi: false },
            _ => Write::Connect { edge: document, parallel: None },
        };
        self.apply(number, write, id, token)
    }

    /// Writes past the shards.
    fn apply(&self, number: u64, write: Write, id: Id, token: u64) -> String {
        let (clients, asked) = (self.clone(), self.asked());
        let what = format!("apply {write:?}");
        // Between the commit and its answer shards have to hear of it: the task is held back there.
        let work = self.scheduler.gated("operation", async move {
            let batch = WriteBatch { writes: vec![write], all_or_nothing: false };
            match clients.core.apply(batch).await {
                Ok(results) => clients.applied(results.into_iter().next(), &id, token, asked),
                Err(error) => clients.failed("a batch", &error, &[token]),
            }
        });
        self.run(number, what, work)
    }

    fn applied(&self, result: Option<WriteResult>, asked_for: &Id, token: u64, asked: Moment) {
        let mut world = self.world.lock();
        match result {
            Some(Ok(Written::Created { id } | Written::Changed { id, .. })) => {
                world.model.acknowledged(&id, token)
            }
            Some(Ok(Written::Deleted { id, edges, .. })) => {
                for id in edges.iter().chain([&id]) {
                    world.model.acknowledged_removal(id, asked);
                }
            }
            Some(Err(WriteError::NotFound { id })) if !world.model.may_be_missing(&id, asked) => {
                world.model.broken(format!("{id} was not found, but it was there"));
            }
            Some(Err(_)) => world.model.refused(token),
            other => world.model.broken(format!("a batch on {asked_for} came to {other:?}")),
        }
    }

    fn evict(&self, number: u64, id: Id) -> String {
        let core = Arc::clone(&self.core);
        self.run(number, format!("evict {id}"), async move {
            let slot = core.directory.slot_of(&id);
            core.evict(vec![slot]).await;
        })
    }

    fn pin(&self, number: u64, id: Id) -> String {
        // One at a time, so that what is answered last is what was asked last.
        if self.pinned.borrow().contains_key(&id) {
            return self.get(number, id);
        }
        self.pinned.borrow_mut().insert(id.clone(), false);
        let (clients, asked) = (self.clone(), self.asked());
        self.run(number, format!("pin {id}"), async move {
            let answer = clients.core.pin(std::slice::from_ref(&id)).await;
            clients.pinned.borrow_mut().remove(&id);
            match answer {
                Ok(()) => drop(clients.pinned.borrow_mut().insert(id, true)),
                Err(PinError::Store(error)) => clients.failed("pin", &error, &[]),
                Err(PinError::Missing { id }) => {
                    let mut world = clients.world.lock();
                    if !world.model.may_be_missing(&id, asked) {
                        world.model.broken(format!("{id} was not there to be pinned, but it was"));
                    }
                }
                Err(PinError::OverBound { .. }) => {}
            }
        })
    }

    fn unpin(&self, number: u64, id: Id) -> String {
        if self.pinned.borrow().get(&id) != Some(&true) {
            return self.get(number, id);
        }
        let core = Arc::clone(&self.core);
        self.pinned.borrow_mut().remove(&id);
        self.run(number, format!("unpin {id}"), async move { core.unpin(std::slice::from_ref(&id)).await })
    }

    /// Asks something of a walk.
    fn control(&self, random: &mut Random) -> String {
        let walks = self.walks.borrow();
        let Some(walk) = walks.get(random.below(walks.len() as u64) as usize) else {
            return "nothing".into();
        };
        let what = match random.below(3) {
            0 => {
                walk.cancel();
                "cancel"
            }
            1 => {
                walk.pause();
                "pause"
            }
            _ => {
                walk.resume();
                "resume"
            }
        };
        format!("{what} walk {}", walk.id())
    }

    fn walk(&self, number: u64, at: Id, random: &mut Random, only_reads: bool) -> String {
        let log = Arc::<Mutex<WalkLog>>::default();
        let walker = Wanderer {
            world: Arc::clone(&self.world),
            log: Arc::clone(&log),
            direction: Direction::ALL[random.below(3) as usize],
            steps: random.below(4) as u32,
            change_each: if only_reads { 0 } else { random.below(3) as usize },
        };
        let what = format!(
            "walk from {at}, {:?}, {} steps, changes every {}",
            walker.direction, walker.steps, walker.change_each
        );
        let (clients, asked) = (self.clone(), self.asked());
        self.run(number, what, async move {
            let spawned =
                spawn_walk(&clients.core, Box::new(walker), at.clone(), SpawnHow::default(), None).await;
            let ended = match spawned {
                Ok(walk) => {
                    let walk = Rc::new(walk);
                    clients.walks.borrow_mut().push(Rc::clone(&walk));
                    walk.finish().await.map(drop)
                }
                Err(error) => Err(error),
            };
            clients.walked(&at, &log.lock(), asked, ended);
        })
    }

    /// Judges how a walk has ended.
    fn walked(&self, at: &Id, log: &WalkLog, asked: Moment, ended: Result<(), WalkError>) {
        let mut world = self.world.lock();
        let model = &mut world.model;
        match ended {
            Ok(()) => {}
            Err(WalkError::Store(_)) if model.has_faults => return,
            Err(WalkError::Cancelled { .. }) => return,
            Err(WalkError::Retracted { id }) if model.may_be_retracted(&id) => return,
            Err(WalkError::WriteRefused { source: WriteError::NotFound { id } })
                if model.may_be_missing(&id, asked) =>
            {
                return;
            }
            Err(WalkError::UnknownStart { .. }) if model.may_be_missing(at, asked) => return,
            Err(error) => return model.broken(format!("a walk from {at} came to {error:?}")),
        }
        let own: BTreeSet<u64> = log.changes.iter().flat_map(|(_, tokens)| tokens.lock().clone()).collect();
        for (id, version, token) in log.seen.iter().filter(|(_, _, token)| !own.contains(token)) {
            model.judge_durable("the result of a walk", id, asked, Some((*version, *token)));
        }
        for (id, tokens) in &log.changes {
            let durable: Vec<u64> =
                tokens.lock().iter().copied().filter(|&token| model.is_durable(id, token)).collect();
            match durable.as_slice() {
                &[token] => model.acknowledged(id, token),
                [] if model.may_be_missing(id, asked) => {}
                other => model.broken(format!("a walk's change of {id} was done as {other:?}")),
            }
        }
    }
}

impl Clients {
    /// What is stored at first, made known to all.
    pub(super) fn first_documents(world: &Arc<Mutex<World>>, nodes: u64) {
        let mut world = world.lock();
        for id in (0..nodes).map(node).filter(|id| is_deleted(id) || *id != node(nodes - 1)) {
            let token = world.model.attempt(&id, None);
            let document = Document::new(id.clone(), Mark { token, base: 0 }.body());
            let batch =
                WriteBatch { writes: vec![Write::Create { document, multi: false }], all_or_nothing: false };
            let (_, effects) = world.disk.apply(&[batch]);
            world.model.committed(effects);
            world.model.acknowledged(&id, token);
        }
    }
}
