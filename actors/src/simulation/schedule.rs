//! One schedule: a seed, and a word for each choice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use parking_lot::Mutex;
use wayfare_graph::Random;

use super::bug::{Bug, plant};
use super::clients::{AT_ONCE, Clients};
use super::life::{Config, start};
use super::rest::faults_at_rest;
use super::scheduler::{Call, Fate, Installed, Scheduler, panic_after};
use super::store::{SimulatedStore, World};
use crate::panic_text::panic_text;

/// Choices in one schedule, beside 20.
const CHOICES: u64 = 60;

/// Choices after which a schedule that does not come to rest never will.
const MOST_TO_REST: usize = 5_000;

/// A schedule. It says everything: the same one always goes the same way.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) seed: u64,
    /// Each means the same wherever it stands, so that one can be left out and the others still do what they did.
    pub(super) choices: Vec<u64>,
}

/// How a schedule went.
#[derive(Debug, Default)]
pub(super) struct Went {
    /// What was wrong.
    pub(super) faults: Vec<String>,
    /// What was done, if that was asked for.
    pub(super) trace: Vec<String>,
    /// Things that were held back and let on.
    pub(super) steps: u64,
    /// Operations of clients.
    pub(super) operations: u64,
    pub(super) kills: u64,
    /// Panics of shards that were made due.
    pub(super) panics: u64,
}

impl Schedule {
    /// The schedule of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random::stream(seed, 1);
        let choices = (0..20 + random.below(CHOICES)).map(|_| random.next_u64()).collect();
        Self { seed, choices }
    }

    /// Runs it.
    pub(super) fn run(&self, bug: Option<Bug>, is_traced: bool) -> Went {
        plant(bug);
        let config = Config::of(&mut Random::stream(self.seed, 2));
        let world = Arc::<Mutex<World>>::default();
        world.lock().model.has_faults = config.has_faults || config.has_panics;
        Clients::first_documents(&world, config.nodes);
        let mut run =
            Run { config, world, left: self.choices.clone().into_iter(), went: Went::default(), is_traced };
        if is_traced {
            run.went.trace.push(format!("{:?}", run.config));
        }
        while let End::Killed = run.live() {
            run.went.kills += 1;
            run.world.lock().model.killed();
        }
        plant(None);
        let violations = run.world.lock().model.violations().to_vec();
        run.went.faults.splice(0..0, violations);
        run.went
    }

    /// The schedule without the choices that do not matter for its failing.
    pub(super) fn shrunk(&self, bug: Option<Bug>) -> Self {
        let mut best = self.clone();
        let mut part = best.choices.len() / 2;
        while part > 0 {
            let mut at = 0;
            while at < best.choices.len() {
                let mut shorter = best.clone();
                shorter.choices.drain(at..(at + part).min(best.choices.len()));
                if shorter.run(bug, false).faults.is_empty() {
                    at += part;
                } else {
                    best = shorter;
                }
            }
            part /= 2;
        }
        best
    }
}

/// How a life ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It came to rest.
    Rest,
    Killed,
}

struct Run {
    config: Config,
    world: Arc<Mutex<World>>,
    left: std::vec::IntoIter<u64>,
    went: Went,
    is_traced: bool,
}

impl Run {
    /// Lives once, until it is killed or at rest.
    fn live(&mut self) -> End {
        panic_after(0);
        let scheduler = Arc::<Scheduler>::default();
        let installed = Installed::new(&scheduler);
        let system = System::with_tokio_rt(|| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        });
        let lived = catch_unwind(AssertUnwindSafe(|| system.block_on(self.go_on(&scheduler))));
        // With the runtime go all tasks, wherever they stand.
        drop(system);
        drop(installed);
        lived.unwrap_or_else(|panic| {
            self.went.faults.push(format!("panic: {}", panic_text(&*panic)));
            End::Rest
        })
    }

    async fn go_on(&mut self, scheduler: &Arc<Scheduler>) -> End {
        let store = SimulatedStore {
            world: Arc::clone(&self.world),
            scheduler: Arc::clone(scheduler),
            is_local: self.config.is_local,
            max_writers: self.config.max_writers,
        };
        let core = start(&self.config, store, scheduler);
        let clients = Clients::new(&core, &self.world, scheduler, self.config.nodes);
        // The actors begin to wait for messages.
        quiet().await;
        while scheduler.len() > 0 {
            scheduler.take(0).release(Fate::Well);
            quiet().await;
        }
        while let Some(choice) = self.left.next() {
            quiet().await;
            if self.choose(&mut Random::new(choice), scheduler, &clients).await == End::Killed {
                return End::Killed;
            }
        }
        self.come_to_rest(scheduler, &clients).await;
        End::Rest
    }

    async fn choose(&mut self, random: &mut Random, scheduler: &Arc<Scheduler>, clients: &Clients) -> End {
        let held = scheduler.len();
        match random.below(100) {
            0..2 if self.config.is_killed => {
                self.note(|| "kill".into());
                return End::Killed;
            }
            4..8 if self.config.has_panics => {
                let points = 1 + random.below(12) as u32;
                self.note(|| format!("a shard panics after {points} points"));
                panic_after(points);
                self.went.panics += 1;
            }
            2..4 => {
                let time = Duration::from_millis(1 + random.below(20));
                self.note(|| format!("{time:?} pass"));
                tokio::time::sleep(time).await;
            }
            choice if choice < 4 + self.config.begun && clients.open().len() < AT_ONCE => {
                let what = clients.begin(random, &self.config);
                self.went.operations += 1;
                self.note(|| what);
            }
            _ if held > 0 => {
                let mut at = random.below(held as u64) as usize;
                for _ in 0..4 {
                    if scheduler.sort(at) == self.config.slow && random.below(16) > 0 {
                        at = random.below(held as u64) as usize;
                    }
                }
                let fate = self.fate(random);
                self.release(scheduler, at, fate);
            }
            _ => {}
        }
        End::Rest
    }

    fn fate(&self, random: &mut Random) -> Fate {
        match random.below(60) {
            0..10 if self.config.has_faults => Fate::Away,
            10 if self.config.has_faults => Fate::Broken,
            _ => Fate::Well,
        }
    }

    fn release(&mut self, scheduler: &Arc<Scheduler>, at: usize, fate: Fate) {
        let held = scheduler.take(at);
        // A commit that is durable may get lost on its way back from a server, but no disk takes it back.
        let fate = match (held.call(), fate) {
            (Some(Call::Acknowledge), Fate::Broken) => Fate::Away,
            (_, fate) => fate,
        };
        self.went.steps += 1;
        self.note(|| format!("let on {} {fate:?}", held.describe()));
        held.release(fate);
    }

    /// Lets everything on, in order, until nothing is left.
    async fn come_to_rest(&mut self, scheduler: &Arc<Scheduler>, clients: &Clients) {
        panic_after(0);
        self.note(|| "everything is let on".into());
        clients.resume_all();
        for _ in 0..MOST_TO_REST {
            quiet().await;
            if scheduler.len() > 0 {
                self.release(scheduler, 0, Fate::Well);
                continue;
            }
            // Whatever waits for time has it.
            tokio::time::sleep(Duration::from_millis(50)).await;
            clients.resume_all();
            if scheduler.len() == 0 {
                let faults = clients.faults_when_let_on(scheduler, self.config.only_reads).await;
                self.went.faults.extend(faults);
                return;
            }
        }
        self.went.faults.push(format!("it does not come to rest: {:?}", clients.open()));
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if self.is_traced {
            self.went.trace.push(what());
        }
    }
}

impl Clients {
    /// What is wrong at rest. The shards are asked, so that their mailboxes have to be let on.
    async fn faults_when_let_on(&self, scheduler: &Arc<Scheduler>, only_reads: bool) -> Vec<String> {
        let clients = self.clone();
        let asked = tokio::task::spawn_local(async move { faults_at_rest(&clients, only_reads).await });
        for _ in 0..MOST_TO_REST {
            quiet().await;
            if asked.is_finished() {
                return asked.await.unwrap_or_else(|error| vec![format!("panic: {error}")]);
            }
            if scheduler.len() > 0 {
                scheduler.take(0).release(Fate::Well);
            }
        }
        vec!["the shards do not tell what they hold".into()]
    }
}

/// Waits until all that may go on has gone on. Time stands still while anything does, and then jumps here.
async fn quiet() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
