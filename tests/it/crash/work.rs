//! What the child does, in many tasks at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;
use wayfare::{
    Body, Document, Error, Graph, Here, Id, Random, Result, Runtime, Version, Walk, WalkError, Write,
    WriteBatch, WriteError, walker,
};

use super::entities::{
    COUNTERS, Counter, Lane, MIRRORS, Mirror, PARTS, Part, SPOTS, Shows, board, counter, counter_number,
    mirror, note, part, spot,
};
use super::said::Said;

/// Tasks of each kind. Each kind of write has its own way to the store.
const COUNTING: usize = 24;
pub const BATCHING: usize = 3;
const JOINING: usize = 3;
const WALKING: usize = 3;
const STREAMING: usize = 1;
const READING: usize = 2;

/// Most increments that can be under way unacknowledged.
pub const MOST_UNDER_WAY: u64 = COUNTING as u64;

/// The work of one child.
#[derive(Clone)]
pub struct Work {
    runtime: Runtime,
    choices: u64,
    /// The next stamp of a batch, never used before.
    stamp: Arc<AtomicU64>,
}

impl Work {
    pub fn new(runtime: Runtime, choices: u64, round: u64) -> Self {
        Self { runtime, choices, stamp: Arc::new(AtomicU64::new((round + 1) * 1_000_000)) }
    }

    /// Works until killed, or until something goes wrong, and tells what.
    pub async fn go_on(self) -> String {
        let mut tasks = JoinSet::new();
        for task in 0..COUNTING as u64 {
            tasks.spawn(self.clone().count(self.random(task)));
        }
        for writer in 0..BATCHING {
            tasks.spawn(self.clone().write_batches(writer));
        }
        for task in 0..JOINING as u64 {
            tasks.spawn(self.clone().join_and_part(self.random(100 + task)));
        }
        for _ in 0..WALKING {
            tasks.spawn(self.clone().walk());
        }
        for _ in 0..STREAMING {
            tasks.spawn(self.clone().stream());
        }
        for task in 0..READING as u64 {
            tasks.spawn(self.clone().read(self.random(200 + task)));
        }
        match tasks.join_next().await {
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(error)) => error.to_string(),
            ended => format!("a task ended: {ended:?}"),
        }
    }

    fn random(&self, task: u64) -> Random {
        Random::stream(self.choices, task)
    }

    fn graph(&self) -> Graph {
        self.runtime.graph()
    }

    /// Increments counters, several tasks now and then the same one.
    async fn count(self, mut random: Random) -> Result<()> {
        loop {
            let number = random.below(COUNTERS as u64) as usize;
            let change = |counter: &mut Counter| {
                counter.value += 1;
                counter.note = note(counter.value);
            };
            let counted = self.graph().update(counter(number), change).await?;
            Said::Counted { counter: number, value: counted.value, version: counted.version().0 }.say();
        }
    }

    /// Writes batches that share a stamp; every eighth has to be refused.
    async fn write_batches(self, writer: usize) -> Result<()> {
        let mirrors: Vec<Id> = (0..MIRRORS).map(|number| mirror(writer, number)).collect();
        let found = self.graph().documents(&mirrors).await?;
        let mut versions: Vec<Version> = found.into_iter().map(|found| found.unwrap().version()).collect();
        for turn in 0_u64.. {
            // Only unique: nothing hangs on the order of stamps of different writers.
            let stamp = self.stamp.fetch_add(1, Ordering::Relaxed);
            let refused = turn % 8 == 7;
            let batch = batch(stamp, &mirrors, &versions, refused)?;
            let results =
                self.graph().write_batch(WriteBatch { writes: batch, all_or_nothing: true }).await?;
            match results.into_iter().collect::<Result<Vec<_>, WriteError>>() {
                Ok(_) if !refused => {
                    versions.iter_mut().for_each(|version| *version = version.next());
                    Said::Wrote { writer, stamp }.say();
                }
                Err(_) if refused => Said::Refused { stamp }.say(),
                Ok(_) => return Err(WriteError::NotFound { id: part(stamp, 0) }.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Makes edges and deletes those it made; now and then a node with all of its edges.
    async fn join_and_part(self, mut random: Random) -> Result<()> {
        let mut made: Vec<Id> = Vec::new();
        for number in 0.. {
            let [source, target] = [0, 0].map(|_: u64| spot(random.below(SPOTS as u64) as usize));
            let joined = self.graph().connect(&source, &target, Lane { number }).await?;
            Said::Joined { edge: joined.id().clone(), source, target }.say();
            made.push(joined.id().clone());
            if random.below(3) == 0 {
                let edge = made.swap_remove(random.below(made.len() as u64) as usize);
                Said::Parting { edge: edge.clone() }.say();
                self.graph().delete(&edge).await?;
                Said::Parted { edge }.say();
            }
            if random.below(8) == 0 {
                self.come_and_go(&mut random).await?;
            }
        }
        Ok(())
    }

    /// A node that is joined to others and deleted: its edges must not outlive it.
    async fn come_and_go(&self, random: &mut Random) -> Result<()> {
        let hub = self.graph().create(super::entities::Spot {}).await?;
        for number in 0..3 {
            let other = spot(random.below(SPOTS as u64) as usize);
            self.graph().connect(hub.id(), &other, Lane { number }).await?;
            self.graph().connect(&other, hub.id(), Lane { number }).await?;
        }
        self.graph().delete(hub.id()).await
    }

    /// Walks over all counters and tells what the walk reported.
    async fn walk(self) -> Result<()> {
        loop {
            let walk = self.runtime.spawn(Look { emits: false }).at(board()).await?;
            walk.finish().await?;
            for value in walk.report() {
                tell(value);
            }
        }
    }

    /// Walks over all counters and tells what comes out of the walk's stream.
    async fn stream(self) -> Result<()> {
        loop {
            let (walk, mut stream) = self.runtime.spawn(Look { emits: true }).at(board()).stream().await?;
            while let Some(value) = stream.next().await {
                tell(&value?);
            }
            walk.finish().await?;
        }
    }

    /// Reads counters by id.
    async fn read(self, mut random: Random) -> Result<()> {
        loop {
            let number = random.below(COUNTERS as u64) as usize;
            let found = self.graph().get::<Counter>(counter(number)).await?;
            let value = found.map_or(0, |counter| counter.value);
            Said::Saw { counter: number, value }.say();
            tokio::task::yield_now().await;
        }
    }
}

/// Says what a walk saw: the number of a counter and its value.
fn tell(value: &serde_json::Value) {
    let number = |at: usize| value[at].as_u64().unwrap();
    Said::Saw { counter: number(0) as usize, value: number(1) }.say();
}

/// Creates parts and saves mirrors, all with one stamp. One that must be refused ends in a node that exists.
fn batch(stamp: u64, mirrors: &[Id], versions: &[Version], refused: bool) -> Result<Vec<Write>> {
    let create = |id: Id, body: Body| Write::Create { document: Document::new(id, body), multi: false };
    let mut writes = Vec::new();
    for number in 0..PARTS {
        writes.push(create(part(stamp, number), Body::encode(&Part { stamp })?));
    }
    for (id, version) in mirrors.iter().zip(versions) {
        let document = Document::new(id.clone(), Body::encode(&Mirror { stamp })?).with_version(*version);
        writes.push(Write::Save { document });
    }
    if refused {
        writes.push(create(part(stamp, 0), Body::encode(&Part { stamp })?));
    }
    Ok(writes)
}

/// Looks at every counter of the board.
struct Look {
    emits: bool,
}

#[walker(name = "CrashLook")]
impl Look {
    #[on_visit]
    fn board(&mut self, here: &Here<super::entities::Board>, walk: &mut Walk) {
        walk.visit(here.out::<Shows>());
    }

    #[on_visit]
    fn counter(&mut self, here: &Here<Counter>, walk: &mut Walk) -> Result<(), WalkError> {
        let seen = (counter_number(here.id()), here.value);
        if self.emits { walk.emit(&seen) } else { walk.report(&seen) }
    }
}

/// Makes what the work begins with.
pub async fn set_up(graph: &Graph) -> Result<(), Error> {
    graph.create_as("all", super::entities::Board {}).await?;
    for number in 0..COUNTERS {
        let key = counter(number).with_key(str::to_owned);
        graph.create_as(&key, Counter { value: 0, note: note(0) }).await?;
        graph.connect(board(), counter(number), Shows {}).await?;
    }
    for number in 0..SPOTS {
        graph.create_as(&spot(number).with_key(str::to_owned), super::entities::Spot {}).await?;
    }
    for (writer, number) in (0..BATCHING).flat_map(|writer| (0..MIRRORS).map(move |number| (writer, number)))
    {
        graph.create_as(&mirror(writer, number).with_key(str::to_owned), Mirror { stamp: 0 }).await?;
    }
    Ok(())
}
