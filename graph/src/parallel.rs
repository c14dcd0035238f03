//! Walkers whose visits run at the same time: hooks take `&self`, and what they return is merged one after
//! another in the order of the visits, so the result does not depend on which of them was first.

use std::future::poll_fn;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::drive::{Drive, Driven, Fault, Skipped, count, count_visits, end_visits, occasion, run};
use crate::frontier::Position;
use crate::hook::{HookFault, HookResult, Occasion};
use crate::id::Kind;
use crate::record::Slot;
use crate::step::{HookError, Step};
use crate::target::{Looked, Missing};
use crate::visit_batch::VisitBatch;
use crate::walk::Walk;
use crate::walker::Walker;
use crate::yielding::yield_once;

/// A walker whose visit hooks take `&self`. Implemented by `#[walker(max_workers = …)]`.
pub trait ParallelWalker: Walker + Sync {
    /// What a visit hook returns, and `#[on_merge]` takes.
    type Output: Send + 'static;

    /// Runs a visit hook, at the same time as others.
    ///
    /// # Errors
    /// What the hook returned, or why the node could not be read.
    fn call_shared<'a>(
        &'a self,
        hook: usize,
        occasion: Occasion<'a>,
        walk: &'a mut Walk,
    ) -> impl Future<Output = Result<Self::Output, HookFault>> + Send + 'a;

    /// What the output says of the other hooks at its node: where there is no `#[on_merge]`, it is a step.
    #[must_use]
    fn step_of(_output: &Self::Output) -> Step {
        Step::Continue
    }

    /// Takes in what a visit hook returned, in the order of the visits.
    ///
    /// # Errors
    /// What `#[on_merge]` returned.
    fn merge(&mut self, output: Self::Output, walk: &mut Walk) -> HookResult;
}

/// How the visits of a walker run at the same time.
pub struct Parallel<W> {
    /// How many at most.
    pub max_workers: usize,
    /// How a batch of them is driven.
    pub drive: fn(Box<W>, Box<VisitBatch>, Box<Walk>) -> Drive,
}

impl<W: ParallelWalker> Parallel<W> {
    /// At most so many at the same time; at least 1.
    #[must_use]
    pub fn of(max_workers: usize) -> Self {
        Self {
            max_workers: max_workers.max(1),
            drive: |walker, batch, walk| Box::pin(drive(walker, batch, walk)),
        }
    }
}

/// What a hook of a parallel walker may return: the output, or a `Result` of it with any error.
#[diagnostic::on_unimplemented(
    message = "a hook cannot return `{Self}` where `#[on_merge]` takes `{T}`",
    label = "not `{T}`, or a `Result` of it",
    note = "return the type of the first parameter of `#[on_merge]`"
)]
pub trait IntoOutput<T> {
    /// The output, or the hook's error.
    ///
    /// # Errors
    /// The hook's own.
    fn into_output(self) -> Result<T, HookError>;
}

impl<T> IntoOutput<T> for T {
    fn into_output(self) -> Result<T, HookError> {
        Ok(self)
    }
}

impl<T, E: Into<HookError>> IntoOutput<T> for Result<T, E> {
    fn into_output(self) -> Result<T, HookError> {
        self.map_err(Into::into)
    }
}

/// Visits that are made together: usually one.
struct Unit {
    range: Range<usize>,
    positions: Vec<Position>,
}

/// What came of a unit.
struct Done<T> {
    fork: Walk,
    /// With the visits of the unit that each is about.
    outputs: Vec<(Range<usize>, T)>,
    /// How long each hook took, where the walk is to tell.
    times: Vec<Time>,
    /// Which hook failed, and where.
    fault: Option<(u16, Slot, HookFault)>,
}

/// How long a hook took.
struct Time {
    hook: u16,
    /// Which visit of the batch it was given, or the first of them.
    at: usize,
    taken: Duration,
}

/// What all workers of a batch share.
struct Shared<W: ParallelWalker> {
    walker: W,
    batch: VisitBatch,
    units: Vec<Unit>,
    forks: Mutex<Vec<Option<Walk>>>,
    done: Mutex<Vec<Option<Done<W::Output>>>>,
    next: AtomicUsize,
    /// Whether the walk is to tell how long its hooks take.
    timed: bool,
}

impl<W: ParallelWalker> Shared<W> {
    /// Makes visits until none is left or one has failed.
    async fn work(&self) {
        loop {
            // Each unit is taken once, whoever takes it; what it reads was there before the workers were.
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = self.units.get(at) else { return };
            let Some(fork) = self.forks.lock()[at].take() else { return };
            let mut waited = false;
            let mut made = std::pin::pin!(self.make(unit, fork));
            let done = poll_fn(|cx| {
                let polled = made.as_mut().poll(cx);
                waited |= polled.is_pending();
                polled
            })
            .await;
            if done.fault.is_some() {
                // Those under way go on; no further ones are begun.
                self.next.fetch_max(self.units.len(), Ordering::Relaxed);
            }
            self.done.lock()[at] = Some(done);
            if !waited {
                // Others on this thread get their turn; a hook that waited has given it to them.
                yield_once().await;
            }
        }
    }

    async fn make(&self, unit: &Unit, mut fork: Walk) -> Done<W::Output> {
        let (mut outputs, mut times, mut fault) = (Vec::new(), Vec::new(), None);
        let visits = &self.batch.visits[unit.range.clone()];
        let id = &visits[0].record.head.id;
        let at_edge = id.kind() == Kind::Edge;
        let hooks = self.batch.table.at(id.kind(), id.entity());
        let mut skipped = Skipped::default();
        'hooks: for &hook in hooks.iter().filter(|&&hook| self.batch.table.spec(hook).is_some()) {
            let (many, mut from) = (self.batch.takes_many(hook), 0);
            while let Some(part) = skipped.next_part(from, visits.len(), many) {
                from = part.end;
                fork.stand(unit.positions[part.start], at_edge);
                let began = self.timed.then(Instant::now);
                let called = self.call(hook, occasion(visits, &part, many), &mut fork).await;
                if let Some(began) = began {
                    times.push(Time { hook, at: unit.range.start + part.start, taken: began.elapsed() });
                }
                let output = match called {
                    Ok(output) => output,
                    Err(failed) => {
                        fault = Some((hook, unit.positions[part.start].slot, failed));
                        break 'hooks;
                    }
                };
                let step = W::step_of(&output);
                outputs.push((part.clone(), output));
                match step {
                    Step::Continue => {}
                    Step::Skip => skipped.skip(part, visits.len()),
                    Step::Disengage => break 'hooks,
                }
            }
        }
        Done { fork, outputs, times, fault }
    }

    /// Runs a hook so that a panic is its fault.
    async fn call(&self, hook: u16, occasion: Occasion<'_>, fork: &mut Walk) -> Result<W::Output, HookFault> {
        let mut called = Box::pin(self.walker.call_shared(usize::from(hook), occasion, fork));
        let caught = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| called.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(result),
            Err(panic) => Poll::Ready(Err(HookFault::Panicked(panic))),
        });
        caught.await
    }
}

async fn drive<W: ParallelWalker>(walker: Box<W>, batch: Box<VisitBatch>, mut walk: Box<Walk>) -> Driven {
    let max_workers = W::parallel().map_or(1, |parallel| parallel.max_workers);
    let (units, forks) = begin(&batch, &mut walk);
    let number = walk.number();
    let workers = max_workers.min(units.len());
    let shared = Arc::new(Shared {
        walker: *walker,
        done: Mutex::new((0..units.len()).map(|_| None).collect()),
        forks: Mutex::new(forks),
        next: AtomicUsize::new(0),
        timed: walk.is_detailed(),
        batch: *batch,
        units,
    });
    let team = Team::new(workers.saturating_sub(1));
    // Whoever comes when all is done finds the door closed: a thread that a hook keeps holds nobody up.
    let door = Arc::new(Mutex::new(Some(Arc::clone(&shared))));
    for place in 0..workers.saturating_sub(1) {
        let door = Arc::clone(&door);
        let work = async move {
            let shared = door.lock().clone();
            if let Some(shared) = shared {
                shared.work().await;
            }
        };
        let member = Member { work: Some(Box::pin(work)), team: Arc::clone(&team.0), place, begun: false };
        walk.services().run_beside(number, place + 1, Box::pin(member));
    }
    shared.work().await;
    drop(door.lock().take());
    team.wait().await;
    let shared = Arc::into_inner(shared)
        .expect("the door is closed, and each member drops its share before it says that it has ended");
    let Shared { walker, batch, units, done, .. } = shared;
    let (mut walker, mut batch) = (Box::new(walker), Box::new(batch));
    let result = merge(&mut *walker, &mut batch, units, done.into_inner(), &mut walk).await;
    Driven { walker, walk, batch, result }
}

/// Takes all visits of a batch off the queue.
fn begin(batch: &VisitBatch, walk: &mut Walk) -> (Vec<Unit>, Vec<Option<Walk>>) {
    let (mut units, mut forks) = (Vec::new(), Vec::new());
    let mut from = 0;
    while from < batch.visits.len() {
        let until = batch.together(from);
        let positions = batch.begin(from..until, walk);
        let Some(&first) = positions.first() else { break };
        let at_edge = batch.visits[from].record.head.id.kind() == Kind::Edge;
        forks.push(Some(walk.fork(first, at_edge)));
        units.push(Unit { range: from..until, positions });
        from = until;
    }
    for _ in 0..batch.skipped_after {
        walk.frontier_mut().skip();
    }
    (units, forks)
}

/// Takes in what came of the visits, in their order.
async fn merge<W: ParallelWalker>(
    walker: &mut W,
    batch: &mut VisitBatch,
    units: Vec<Unit>,
    done: Vec<Option<Done<W::Output>>>,
    walk: &mut Walk,
) -> Result<(Step, Option<Missing>), Fault> {
    for (unit, done) in units.into_iter().zip(done) {
        // One after a failed one, which is told before this is reached.
        let Some(Done { fork, outputs, times, fault }) = done else { break };
        let first = unit.positions[0];
        let at_edge = batch.visits[unit.range.start].record.head.id.kind() == Kind::Edge;
        walk.stand(first, at_edge);
        batch.note_current(first.slot);
        if let Some((hook, slot, fault)) = fault {
            batch.note_current(slot);
            return Err(Fault::Hook(hook, fault));
        }
        walk.absorb(fork)?;
        count_visits(walk, &batch.visits[unit.range.clone()]);
        for Time { hook, at, taken } in times {
            count(walk, hook, Occasion::At(&batch.visits[at]), taken);
        }
        let (step, skipped) = take_in(walker, batch, &unit, outputs, walk).await?;
        batch.made = unit.range.end;
        batch.deepest = batch.deepest.max(first.depth);
        if step == Step::Disengage {
            walk.note_of(&batch.visits[unit.range])?;
            walk.forget_requests();
            return Ok((step, None));
        }
        let mut missing = end_visits(batch, unit.range, &unit.positions, &skipped, walk)?;
        while let Some(wanted) = missing {
            missing = read(wanted, walk).await?;
        }
    }
    Ok((Step::Continue, None))
}

/// Merges the outputs of a unit, then lets the entities answer; tells which of its visits were skipped.
async fn take_in<W: ParallelWalker>(
    walker: &mut W,
    batch: &VisitBatch,
    unit: &Unit,
    outputs: Vec<(Range<usize>, W::Output)>,
    walk: &mut Walk,
) -> Result<(Step, Skipped), Fault> {
    let visits = &batch.visits[unit.range.clone()];
    let id = &visits[0].record.head.id;
    let at_edge = id.kind() == Kind::Edge;
    let hooks = Arc::clone(batch.table.at(id.kind(), id.entity()));
    let first = hooks.first().copied().unwrap_or_default();
    let mut skipped = Skipped::default();
    for (part, output) in outputs {
        if part.clone().all(|at| skipped.is(at)) {
            continue;
        }
        walk.stand(unit.positions[part.start], at_edge);
        batch.note_current(unit.positions[part.start].slot);
        match walker.merge(output, walk).map_err(|fault| Fault::Hook(first, fault))? {
            Step::Continue => {}
            Step::Skip => skipped.skip(part, visits.len()),
            Step::Disengage => return Ok((Step::Disengage, skipped)),
        }
    }
    for &hook in hooks.iter().filter(|&&hook| batch.table.host(hook).is_some()) {
        for (at, visited) in visits.iter().enumerate() {
            if skipped.is(at) {
                continue;
            }
            walk.stand(unit.positions[at], at_edge);
            batch.note_current(unit.positions[at].slot);
            let answer = run(walker, &batch.table, hook, Occasion::At(visited), walk).await;
            match answer.map_err(|fault| Fault::Hook(hook, fault))? {
                Step::Continue => {}
                Step::Skip => skipped.skip(at..at + 1, visits.len()),
                Step::Disengage => return Ok((Step::Disengage, skipped)),
            }
        }
    }
    Ok((Step::Continue, skipped))
}

/// Reads what a request needs, and goes on with it. The visits have been made, so it cannot wait until the
/// batch is back.
async fn read(wanted: Missing, walk: &mut Walk) -> Result<Option<Missing>, Fault> {
    if wanted.flush {
        walk.flush().await?;
    }
    let services = Arc::clone(walk.services());
    walk.need_more(wanted.need);
    let record = services.load(wanted.slot, wanted.need).await.map_err(crate::walk_error::WalkError::from)?;
    let missing = walk.expand(|slot| match &record {
        Some(record) if slot == wanted.slot => Looked::Record(record),
        None if slot == wanted.slot => Looked::Gone,
        _ => Looked::Unknown,
    });
    Ok(missing?)
}

/// Those who work on a batch beside the walk's own thread.
struct Team(Arc<TeamState>);

struct TeamState {
    stop: AtomicBool,
    state: Mutex<Waiting>,
}

struct Waiting {
    at_work: usize,
    leader: Option<Waker>,
    /// Members that wait for something, to be woken when they have to stop.
    members: Vec<Option<Waker>>,
}

impl Team {
    fn new(members: usize) -> Self {
        let state = Waiting { at_work: 0, leader: None, members: (0..members).map(|_| None).collect() };
        Self(Arc::new(TeamState { stop: AtomicBool::new(false), state: Mutex::new(state) }))
    }

    /// Waits until all members that began have ended.
    async fn wait(&self) {
        poll_fn(|cx| {
            let mut state = self.0.state.lock();
            if state.at_work == 0 {
                return Poll::Ready(());
            }
            state.leader = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// The batch was dropped, because its walk was cancelled: what its members wait for is dropped too.
impl Drop for Team {
    fn drop(&mut self) {
        // The lock below orders it before the members look.
        self.0.stop.store(true, Ordering::Relaxed);
        let members: Vec<Waker> = self.0.state.lock().members.iter_mut().filter_map(Option::take).collect();
        members.into_iter().for_each(Waker::wake);
    }
}

/// One member of a team.
struct Member {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    team: Arc<TeamState>,
    place: usize,
    /// Whether it counts among those at work.
    begun: bool,
}

impl Future for Member {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        {
            let mut state = self.team.state.lock();
            state.members[self.place] = Some(cx.waker().clone());
            state.at_work += usize::from(!self.begun);
        }
        self.begun = true;
        let stopped = self.team.stop.load(Ordering::Relaxed);
        let ended = match &mut self.work {
            Some(work) if !stopped => work.as_mut().poll(cx).is_ready(),
            _ => true,
        };
        if !ended {
            return Poll::Pending;
        }
        self.end();
        Poll::Ready(())
    }
}

impl Member {
    fn end(&mut self) {
        // Its share of the batch goes before anyone is told.
        if self.work.take().is_some() {
            let mut state = self.team.state.lock();
            state.at_work -= usize::from(self.begun);
            state.members[self.place] = None;
            let leader = (state.at_work == 0).then(|| state.leader.take()).flatten();
            drop(state);
            if let Some(leader) = leader {
                leader.wake();
            }
        }
    }
}

/// A thread that ends drops the work it was given; the batch must not wait for it.
impl Drop for Member {
    fn drop(&mut self) {
        self.end();
    }
}
