//! The walkers of the load, and those that do harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wayfare::{Here, HookError, Walk, WalkError, walker};

use super::fault::Fault;
use super::ground::{Acre, Bond, CHAIN, CHAINS, Furrow, Leg, Milestone, Slip, meter_of};
use super::ledger::Ledger;

/// What a walk holds the meters against that it reads.
#[derive(Debug)]
pub(crate) struct Measure {
    ledger: Arc<Ledger>,
    /// What each was at least before the walk was spawned.
    floors: Vec<u64>,
}

impl Measure {
    pub(crate) fn now(ledger: &Arc<Ledger>) -> Self {
        Self { ledger: Arc::clone(ledger), floors: ledger.floors() }
    }

    fn fault_of(&self, acre: &Acre) -> Option<String> {
        let meter = meter_of(acre.number)?;
        let (floor, ceiling) = (self.floors[meter], self.ledger.meters[meter].ceiling());
        let count = acre.count;
        (!(floor..=ceiling).contains(&count))
            .then(|| format!("a walk read {count} at meter {meter}, it is {floor} to {ceiling}"))
    }
}

/// Goes over acres, breadth first, and reads meters.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Roamer {
    pub(crate) hops: Option<u32>,
    #[serde(default)]
    pub(crate) visited: u64,
    #[serde(skip)]
    pub(crate) measure: Option<Measure>,
    /// What it read that cannot be. It counts only if the walk ends well.
    #[serde(skip)]
    pub(crate) wrong: Option<String>,
}

#[walker]
impl Roamer {
    #[on_visit]
    fn acre(&mut self, here: &Here<Acre>, walk: &mut Walk) {
        self.visited += 1;
        if let Some(measure) = &self.measure {
            self.wrong = self.wrong.take().or_else(|| measure.fault_of(here));
        }
        if self.hops.is_none_or(|hops| walk.depth() < hops) {
            walk.visit(here.out::<Furrow>());
        }
    }
}

/// The same in hooks that wait now and then.
#[derive(Debug)]
pub(crate) struct Dawdler {
    pub(crate) hops: u32,
    pub(crate) visited: u64,
    pub(crate) measure: Measure,
    pub(crate) wrong: Option<String>,
}

#[walker]
impl Dawdler {
    #[on_visit]
    async fn acre(&mut self, here: &Here<'_, Acre>, walk: &mut Walk) {
        self.visited += 1;
        match self.visited % 16 {
            3 => tokio::task::yield_now().await,
            9 => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => {}
        }
        self.wrong = self.wrong.take().or_else(|| self.measure.fault_of(here));
        if walk.depth() < self.hops {
            walk.visit(here.out::<Furrow>());
        }
    }
}

/// Raises the meters that it comes to, and makes a slip at its first acre if it was given one.
#[derive(Debug)]
pub(crate) struct Tiller {
    pub(crate) hops: u32,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) slip: Option<String>,
    /// Meters raised.
    pub(crate) raised: Vec<usize>,
}

#[walker]
impl Tiller {
    #[on_visit]
    fn acre(&mut self, here: &Here<Acre>, walk: &mut Walk) -> Result<(), WalkError> {
        if let Some(meter) = meter_of(here.number) {
            self.ledger.meters[meter].begin();
            self.raised.push(meter);
            here.update(|acre: &mut Acre| acre.count += 1);
        }
        if let Some(key) = self.slip.take() {
            let slip = walk.create_as(&key, &Slip { acre: here.number })?;
            walk.connect(&slip, here.id(), &Bond {})?;
        }
        if walk.depth() < self.hops {
            walk.visit(here.out::<Furrow>());
        }
        Ok(())
    }
}

/// Whether the walk of a chain stumbles at its middle. Not in the walker, whose stored state would keep it.
pub(crate) static STONES: [AtomicBool; CHAINS] = [const { AtomicBool::new(false) }; CHAINS];

/// Raises every milestone of a chain once, slowly, and reports each.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pilgrim {
    pub(crate) chain: usize,
    pub(crate) passed: Vec<u64>,
}

#[walker(durable(visits = 2, interval_ms = 20))]
impl Pilgrim {
    #[on_visit]
    async fn milestone(&mut self, here: &Here<'_, Milestone>, walk: &mut Walk) -> Result<(), HookError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if here.position == CHAIN / 2 && STONES[self.chain].load(SeqCst) {
            return Err("soak: there is a stone in the way".into());
        }
        here.update(|milestone: &mut Milestone| milestone.count += 1);
        self.passed.push(here.position);
        walk.report(&here.position)?;
        walk.visit(here.out::<Leg>());
        Ok(())
    }
}

/// Stays where it is for a while.
#[derive(Debug)]
pub(crate) struct Napper {
    pub(crate) nap: Duration,
}

#[walker]
impl Napper {
    #[on_visit]
    async fn acre(&mut self, _here: &Here<'_, Acre>) {
        tokio::time::sleep(self.nap).await;
    }
}

/// Goes round until somebody ends it.
#[derive(Debug, Default)]
pub(crate) struct Wheel {
    pub(crate) turns: u64,
}

#[walker(unique = "none")]
impl Wheel {
    #[on_visit]
    async fn acre(&mut self, here: &Here<'_, Acre>, walk: &mut Walk) {
        self.turns += 1;
        if self.turns.is_multiple_of(64) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        walk.visit(here.out::<Furrow>().limit(1));
    }
}

/// Does harm after some visits.
#[derive(Debug)]
pub(crate) struct Vandal {
    pub(crate) fault: Fault,
    pub(crate) visits_left: u64,
}

#[walker]
impl Vandal {
    #[on_visit]
    fn acre(&mut self, here: &Here<Acre>, walk: &mut Walk) -> Result<(), HookError> {
        if self.visits_left > 0 {
            self.visits_left -= 1;
            walk.visit(here.out::<Furrow>());
            return Ok(());
        }
        match self.fault {
            Fault::HookPanics => panic!("soak: a hook was told to panic"),
            Fault::HookFails => return Err("soak: told to fail".into()),
            Fault::HookBlocks => std::thread::sleep(Duration::from_millis(100 + here.number % 200)),
            Fault::WorkerEnds => drop(actix_rt::Arbiter::current().stop()),
            other => unreachable!("{other:?} is nothing that a hook can do"),
        }
        walk.clear();
        Ok(())
    }
}
