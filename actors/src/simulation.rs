//! A simulation of the protocol between actors: shards, writer, engine and walks as they are, on one thread, with a
//! scheduler that decides by a seed which task goes on next, when each call to the store is done and whether it fails,
//! what users ask for meanwhile, and when the process is killed. A model says what may be told of every entity when.
//!
//! To repeat a schedule, and see what it does step by step, give its seed:
//! `WAYFARE_SIMULATION_SEED=17 cargo test -p wayfare-actors --lib simulation -- --nocapture`. More schedules than
//! usual: `WAYFARE_SIMULATION_SCHEDULES=1000000`.

mod bug;
mod clients;
mod disk;
mod life;
mod model;
mod rest;
mod schedule;
mod scheduler;
mod store;
mod tests;
mod walker;

pub(crate) use self::bug::{Bug, is_planted};
pub(crate) use self::scheduler::{panic_if_due, scheduler};
