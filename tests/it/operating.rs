//! A runtime as those who operate it meet it: settings that change while it runs, and signals.

mod child;
mod reloading;
mod signals;
