//! Random walks with a seed.

use serde::{Deserialize, Serialize};
use wayfare_graph::{
    Along, Direction, Filter, Here, Id, Limits, Neighbours, Profile, Random, Slot, Unique, Walk, WalkError,
    WalkOptions,
};

use crate::error::Result;
use crate::runtime::Runtime;
use crate::walker;

/// Goes `steps` steps, each along one edge chosen at random, every edge equally likely. Ends early where
/// there is no edge to follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomWalk {
    /// How far to go.
    pub steps: u32,
    /// The same seed takes the same way.
    pub seed: u64,
    /// Which of many walks of one seed this is.
    #[serde(default)]
    pub number: u64,
    /// Which edges to follow; all by default.
    #[serde(default)]
    pub along: Along,
    /// Which way; out by default.
    #[serde(default)]
    pub direction: Direction,
    /// Nodes that may be stepped on; all by default. Chosen among, not stumbled over: an edge to another
    /// node is as good as absent.
    #[serde(default)]
    pub only: Filter,
    /// The nodes passed, start and end included, when the walk has ended.
    #[serde(default)]
    pub path: Vec<Id>,
    #[serde(skip)]
    slots: Vec<Slot>,
    #[serde(skip)]
    random: Option<Random>,
}

fn options(walk: &RandomWalk) -> WalkOptions {
    WalkOptions::default().unique(Unique::None).links(walk.direction)
}

impl RandomWalk {
    fn random(&mut self) -> &mut Random {
        self.random.get_or_insert_with(|| Random::stream(self.seed, self.number))
    }

    /// One of the neighbours that satisfy the filter.
    async fn choose(&mut self, of: &Neighbours, walk: &Walk) -> Result<Option<Slot>, WalkError> {
        let slots = walk.neighbours(of).await?;
        let ids: Vec<Id> = slots.iter().filter_map(|&slot| walk.id_of(slot)).collect();
        let documents = walk.documents(&ids).await?;
        let fits = |document: &Option<wayfare_graph::Document>| {
            document.as_ref().is_some_and(|document| self.only.matches(document))
        };
        let chosen: Vec<Slot> =
            slots.iter().zip(&documents).filter(|(_, d)| fits(d)).map(|(&s, _)| s).collect();
        let at = self.random().below(chosen.len() as u64);
        Ok(chosen.get(at as usize).copied())
    }
}

#[walker(options = options)]
impl RandomWalk {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        self.slots.push(here.slot());
        if walk.depth() >= self.steps {
            return Ok(());
        }
        let neighbours = here.neighbours(self.direction).along(self.along.clone());
        if self.only.is_all() {
            walk.visit(neighbours.one_of(self.random()));
        } else if let Some(next) = self.choose(&neighbours, walk).await? {
            walk.visit(next);
        }
        Ok(())
    }

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) {
        self.path = self.slots.iter().filter_map(|&slot| walk.id_of(slot)).collect();
    }
}

/// What to sample.
#[derive(Debug, Clone)]
pub struct Sample {
    /// How many walks.
    pub walks: u64,
    /// Steps of each.
    pub steps: u32,
    /// The same seed gives the same walks.
    pub seed: u64,
    /// Which edges to follow.
    pub along: Along,
    /// Which way.
    pub direction: Direction,
    /// Nodes that may be stepped on.
    pub only: Filter,
    /// Whether the profile tells visits and time by entity, hook and node.
    pub detailed: bool,
}

/// What [`sample`] found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sampled {
    /// How many walks were made.
    pub walks: u64,
    /// Steps of all of them together.
    pub steps: u64,
    /// Walks that ended early, where there was no edge to follow.
    pub stuck: u64,
    /// Different nodes passed.
    pub nodes: u64,
    /// The nodes passed most often, with how often; at most 20, ties by id.
    pub most_visited: Vec<(Id, u64)>,
    /// The nodes of each walk.
    pub paths: Vec<Vec<Id>>,
    /// What all walks cost together; its time is that of one walk after another.
    pub profile: Profile,
}

/// Walks that are spawned before the first of them is awaited.
const UNDER_WAY: usize = 1_024;

/// Makes many random walks from a node. The same seed on the same graph gives the same walks, whatever the
/// number of workers.
///
/// # Errors
/// [`crate::Error::Walk`].
pub async fn sample(
    runtime: &Runtime,
    from: &Id,
    question: &Sample,
    limits: Option<Limits>,
) -> Result<Sampled> {
    let mut sampled = Sampled::default();
    let mut under_way = std::collections::VecDeque::new();
    for number in 0..=question.walks {
        while under_way.len() >= UNDER_WAY || (number == question.walks && !under_way.is_empty()) {
            let Some(walk): Option<crate::Walking<RandomWalk>> = under_way.pop_front() else { break };
            sampled.add(walk.finish().await?);
            sampled.profile.add(&walk.profile());
        }
        if number < question.walks {
            let mut spawning = runtime.spawn(question.walk(number)).at(from);
            if let Some(limits) = &limits {
                spawning = spawning.limits(limits.clone());
            }
            if question.detailed {
                spawning = spawning.detailed();
            }
            under_way.push_back(spawning.await?);
        }
    }
    sampled.count_nodes();
    Ok(sampled)
}

impl Sample {
    /// The walker of one of the walks, by number from 0.
    #[must_use]
    pub fn walk(&self, number: u64) -> RandomWalk {
        RandomWalk {
            steps: self.steps,
            seed: self.seed,
            number,
            along: self.along.clone(),
            direction: self.direction,
            only: self.only.clone(),
            path: Vec::new(),
            slots: Vec::new(),
            random: None,
        }
    }
}

impl Sampled {
    fn add(&mut self, walk: RandomWalk) {
        let steps = walk.path.len().saturating_sub(1) as u64;
        self.walks += 1;
        self.steps += steps;
        self.stuck += u64::from(steps < u64::from(walk.steps));
        self.paths.push(walk.path);
    }

    fn count_nodes(&mut self) {
        let mut counts: rustc_hash::FxHashMap<&Id, u64> = rustc_hash::FxHashMap::default();
        for id in self.paths.iter().flatten() {
            *counts.entry(id).or_default() += 1;
        }
        let mut most: Vec<(Id, u64)> = counts.iter().map(|(&id, &count)| (id.clone(), count)).collect();
        most.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        self.nodes = most.len() as u64;
        most.truncate(20);
        self.most_visited = most;
    }
}
