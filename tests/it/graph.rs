//! The graph's own calls, through the public API and on a real embedded store.

mod bulk;
mod doctor;
mod indexes;
mod people;
mod queries;
mod schemas;
