//! What a runtime tells of itself: figures, health, traces, slow logs, and the files that are shipped for them.

mod endpoint;
mod figures;
mod health;
mod listening;
mod otlp;
mod shipped;
mod slow;
mod traces;
