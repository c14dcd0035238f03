//! What `wayfare bench` measures. `benches/budgets` measures with these files too, at the sizes of the design.

mod made_graph;
mod resident;
mod rows;
#[cfg(test)]
mod tests;
mod timing;
mod updates;
mod walkers;

use wayfare::__private::{BenchError, BenchLine, BenchOrder};
use wayfare::{edge, node};

/// Walkers, updates and nodes of a chain of the budget table, unless fewer nodes are asked for.
const WALKERS: u64 = 10_000;
const UPDATES: u64 = 10_000;
const CHAIN: u64 = 100_000;
const SPAWNS: u64 = 1_000;

// The program opens stores of its users, whose types may well be called so.
#[node(name = "WayfareBenchCity", no_filters)]
struct City {
    name: String,
}

#[edge(name = "WayfareBenchRoad", no_filters)]
struct Road {}

/// Measures all lines.
///
/// # Errors
/// When the runtime does not do what its rival does, or the system refuses a thread or a folder.
pub(crate) fn measure(order: &BenchOrder, done: &mut dyn FnMut(u64)) -> Result<Vec<BenchLine>, BenchError> {
    let BenchOrder { nodes, runs, ref folder } = *order;
    let mut lines = resident::breadth_first(nodes, runs)?;
    done(1);
    lines.push(resident::chain_of(nodes.min(CHAIN), runs)?);
    done(2);
    lines.push(resident::many_walkers(nodes, nodes.min(WALKERS), runs)?);
    done(3);
    lines.push(resident::spawn_to_visit(nodes.min(SPAWNS) as usize)?);
    done(4);
    lines.push(updates::updates(folder, nodes.min(UPDATES), runs)?);
    done(5);
    Ok(lines)
}
