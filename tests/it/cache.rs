//! The cache of results: its layers, its turns, and what makes results out of date.

mod coherence;
mod flights;
mod layers;
mod model;
mod outages;
mod queries;
mod refresh;
mod remote;
mod stage;
