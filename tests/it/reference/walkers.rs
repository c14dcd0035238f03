//! Walkers that measure what the built-in ones do not tell.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use wayfare::walkers::Reach;
use wayfare::{Along, Direction, Filter, Here, Id, Order, Walk, WalkError, WalkOptions, walker};

/// The built-in walker, keeping the ids of everything it reaches.
pub fn reach_all(direction: Direction) -> Reach {
    let mut reach = Reach::default();
    (reach.direction, reach.keep_ids) = (direction, true);
    reach
}

/// Notes nodes with their depths. May follow only some edges, and count only some nodes while passing all.
#[derive(Default)]
pub struct Survey {
    pub direction: Direction,
    pub along: Along,
    pub hops: Option<u64>,
    /// Follows only edges that satisfy it.
    pub edges: Option<Filter>,
    /// Notes only nodes that satisfy it, and never the start.
    pub emit: Option<Filter>,
    pub visited: u64,
    pub met: Vec<(Id, u32)>,
}

fn survey_options(survey: &Survey) -> WalkOptions {
    match survey.edges {
        None => WalkOptions::default().links(survey.direction),
        Some(_) => WalkOptions::default().edges(survey.direction),
    }
}

#[walker(name = "ReferenceSurvey", options = survey_options)]
impl Survey {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> wayfare::Result<()> {
        self.visited += 1;
        let is_met = match &self.emit {
            None => true,
            Some(filter) => walk.depth() > 0 && filter.matches(&here.document()?),
        };
        if is_met {
            self.met.push((here.id().clone(), walk.depth()));
        }
        if self.hops.is_some_and(|hops| u64::from(walk.depth()) >= hops) {
            return Ok(());
        }
        let Some(filter) = &self.edges else {
            walk.visit(here.neighbours(self.direction).along(self.along.clone()));
            return Ok(());
        };
        for link in here.edges(self.direction).expect("the options ask for edges") {
            if self.along.follows(link.edge.id().entity().code()) && filter.matches(&link.edge) {
                walk.visit(link.other);
            }
        }
        Ok(())
    }
}

/// Notes every node with the least total of an edge field.
#[derive(Default)]
pub struct Costs {
    pub weight: String,
    pub direction: Direction,
    pub met: Vec<(Id, f64)>,
}

fn costs_options(costs: &Costs) -> WalkOptions {
    WalkOptions::default().order(Order::LeastCost).edges(costs.direction)
}

#[walker(name = "ReferenceCosts", options = costs_options)]
impl Costs {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.met.push((here.id().clone(), walk.cost()));
        for link in here.edges(self.direction).expect("the options ask for edges") {
            if let Some(weight) = link.edge.body().field(&self.weight).and_then(|weight| weight.as_f64()) {
                walk.visit_at(walk.cost() + weight, link.other)?;
            }
        }
        Ok(())
    }
}

/// Looks at the edges of its start, and goes nowhere.
#[derive(Default)]
pub struct Look {
    pub direction: Direction,
    /// The other end, the entity and the fields of each edge.
    pub edges: Vec<(Id, String, Value)>,
}

fn look_options(look: &Look) -> WalkOptions {
    WalkOptions::default().edges(look.direction)
}

#[walker(name = "ReferenceLook", options = look_options)]
impl Look {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> wayfare::Result<()> {
        for link in here.edges(self.direction).expect("the options ask for edges") {
            let other = walk.id_of(link.other).expect("the edge was just read");
            let entity = link.edge.id().entity().to_string();
            self.edges.push((other, entity, Value::Object(link.edge.context()?)));
        }
        Ok(())
    }
}

/// Goes depth first, to the neighbours in an order of its own.
pub struct Ordered {
    pub direction: Direction,
    pub ranks: Arc<HashMap<Id, usize>>,
    pub met: Vec<Id>,
}

#[walker(name = "ReferenceOrdered", order = "depth_first")]
impl Ordered {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        self.met.push(here.id().clone());
        let mut slots = walk.neighbours(&here.neighbours(self.direction)).await?;
        slots.sort_by_key(|&slot| self.ranks[&walk.id_of(slot).expect("the neighbour was just read")]);
        for slot in slots {
            walk.visit(slot);
        }
        Ok(())
    }
}

/// Always goes on with the node of the best rank of all that it knows of.
pub struct Best {
    pub direction: Direction,
    pub ranks: Arc<HashMap<Id, usize>>,
    pub most: usize,
    pub met: Vec<Id>,
}

fn best_options(best: &Best) -> WalkOptions {
    WalkOptions::default().order(Order::LeastCost).edges(best.direction)
}

#[walker(name = "ReferenceBest", options = best_options)]
impl Best {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<wayfare::Step, WalkError> {
        self.met.push(here.id().clone());
        if self.met.len() >= self.most {
            return Ok(wayfare::Step::Disengage);
        }
        for link in here.edges(self.direction).expect("the options ask for edges") {
            let id = walk.id_of(link.other).expect("the edge was just read");
            walk.visit_at(self.ranks[&id] as f64, link.other)?;
        }
        Ok(wayfare::Step::Continue)
    }
}
