//! How walks behave, through the public API and on a real embedded store.

mod backpressure;
mod budgets;
mod bulk;
mod cancelling;
mod children;
mod conflicts;
mod determinism;
mod durability;
mod durable;
mod exits;
mod freshness;
mod hooks;
mod messages;
mod neighbours;
mod order;
mod panics;
mod pausing;
mod resident;
mod results;
mod shutdown;
mod stage;
mod storms;
mod trick_store;
mod typed;
mod waiting;
mod writing;
