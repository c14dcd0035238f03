//! The rival: what one writes by hand for a graph in memory that never changes.

use wayfare::Random;

use super::City;
use super::made_graph::MadeGraph;

/// The textbook loop: compressed sparse rows, a bitmap, a queue.
pub struct Rows {
    starts: Vec<u32>,
    targets: Vec<u32>,
    payload: Vec<City>,
}

impl Rows {
    /// The same graph in rows.
    pub fn of(graph: &MadeGraph) -> Self {
        let (mut starts, mut targets, mut payload) = (vec![0], Vec::new(), Vec::new());
        for n in 0..graph.nodes {
            targets.extend(graph.neighbours(n).into_iter().map(|n| n as u32));
            starts.push(targets.len() as u32);
            payload.push(graph.payload(n));
        }
        Self { starts, targets, payload }
    }

    fn neighbours(&self, node: u32) -> &[u32] {
        &self.targets[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// Visits all that can be reached from the first node: how many, and what their payload came to.
    pub fn breadth_first(&self) -> (u64, u64) {
        let mut seen = vec![0_u64; self.payload.len() / 64 + 1];
        let mut queue = std::collections::VecDeque::from([(0_u32, 0_u32)]);
        seen[0] = 1;
        let (mut visits, mut bytes) = (0, 0);
        while let Some((node, depth)) = queue.pop_front() {
            visits += 1;
            bytes += read(&self.payload[node as usize]);
            for &next in self.neighbours(node) {
                let (word, bit) = (next as usize / 64, 1 << (next % 64));
                if seen[word] & bit == 0 {
                    seen[word] |= bit;
                    queue.push_back((next, depth + 1));
                }
            }
        }
        (visits, bytes)
    }

    /// Goes so many random steps from the first node.
    pub fn random_walk(&self, number: u64, steps: u32) -> u64 {
        let mut random = Random::stream(7, number);
        let mut node = 0;
        let mut bytes = read(&self.payload[0]);
        for _ in 0..steps {
            let neighbours = self.neighbours(node);
            node = neighbours[random.below(neighbours.len() as u64) as usize];
            bytes += read(&self.payload[node as usize]);
        }
        bytes
    }
}

/// Reads the payload where it lies: the string's own memory, not only its length.
pub fn read(city: &City) -> u64 {
    u64::from(city.name.as_bytes()[city.name.len() - 1])
}
