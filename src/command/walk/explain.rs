//! What a walk is going to read, said before it does.

use std::io::{Write, stderr};

use serde_json::{Map, Value};
use wayfare::{
    AccessPath, Direction, Explanation, Filter, Graph, Id, Limits, Order, Query, Runtime, Unique, Walker,
};

use super::WalkArgs;
use crate::command::exit::Failure;
use crate::command::output;

/// What the options of every walk do not say.
#[derive(Debug, Default)]
pub(super) struct Plan {
    lines: Map<String, Value>,
    at_both_ends: bool,
    among_neighbours: bool,
}

impl Plan {
    /// A line of its own.
    pub(super) fn line(mut self, name: &str, text: impl Into<Value>) -> Self {
        self.lines.insert(name.into(), text.into());
        self
    }

    /// How far it goes.
    pub(super) fn hops(self, hops: Option<u32>) -> Self {
        match hops {
            Some(hops) => self.line("hops", format!("at most {hops} from the start")),
            None => self.line("hops", "as far as there are edges"),
        }
    }

    /// Half of the walk goes the other way, from the end.
    pub(super) fn at_both_ends(mut self) -> Self {
        self.at_both_ends = true;
        self
    }

    /// The filter chooses among neighbours instead of keeping nodes out.
    pub(super) fn among_neighbours(mut self) -> Self {
        self.among_neighbours = true;
        self
    }
}

/// Prints on standard error what the walk of a walker is going to read.
pub(super) async fn tell<W: Walker>(
    arguments: &WalkArgs,
    runtime: &Runtime,
    walker: &W,
    limits: &Limits,
    plan: Plan,
) -> Result<(), Failure> {
    let options = walker.options();
    let mut told = Map::new();
    let mut line = |name: &str, text: String| told.insert(name.to_owned(), text.into());
    line("walker", W::NAME.to_owned());
    line("start", looked_up(&runtime.graph(), &arguments.from).await?);
    line("links", links(arguments, plan.at_both_ends));
    let reads_edges = options.need.wants_edges(arguments.direction);
    let reads = match reads_edges {
        true => "nodes, and their edges with all fields",
        false => "nodes with their links; no fields of edges",
    };
    line("reads", reads.to_owned());
    line("filter", tested(arguments.only.as_ref(), plan.among_neighbours));
    line("order", ordered(options.order).to_owned());
    if let Order::Random { seed } = options.order {
        line("seed", seed.to_string());
    }
    line("unique", unique(options.unique).to_owned());
    line("budgets", budgets(limits));
    told.extend(plan.lines);
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(stderr(), "{}", output::as_table(&told));
    Ok(())
}

/// A node, and how the store finds it.
pub(super) async fn looked_up(graph: &Graph, id: &Id) -> Result<String, Failure> {
    let filter = Filter::parse(&serde_json::json!({ "id": id })).map_err(wayfare::Error::from)?;
    let query = Query { filter, ..Query::entity(id.kind(), id.entity()) };
    Ok(format!("{id}, found {}", found(&graph.explain(query).await?)))
}

fn found(explanation: &Explanation) -> String {
    let mut text = match &explanation.access {
        AccessPath::Ids { .. } => "by its id".to_owned(),
        AccessPath::Index { entity, fields, .. } => {
            format!("by the index on {} of {entity}", fields.join(", "))
        }
        AccessPath::EdgesOf { .. } => "by the edges of a node".to_owned(),
        AccessPath::EntityScan { entity } => format!("among all documents of {entity}"),
        _ => "among all documents of its kind".to_owned(),
    };
    if let Some(examined) = explanation.examined {
        text.push_str(&format!("; documents looked at: {examined}"));
    }
    text
}

fn links(arguments: &WalkArgs, at_both_ends: bool) -> String {
    let way = match (arguments.direction, at_both_ends) {
        (Direction::Out, false) => "out",
        (Direction::In, false) => "in",
        (Direction::Both, _) => "either way",
        (Direction::Out, true) => "out from the start, in from the end",
        (Direction::In, true) => "in from the start, out from the end",
    };
    match arguments.along.as_slice() {
        [] => format!("{way}, along edges of every entity"),
        some => format!("{way}, along edges of {}", some.join(", ")),
    }
}

fn tested(only: Option<&Filter>, among_neighbours: bool) -> String {
    let Some(filter) = only.filter(|filter| !filter.is_all()) else { return "none".to_owned() };
    let at = match among_neighbours {
        true => "all neighbours of each step, which are read for it",
        false => "each node but the start, when its turn comes",
    };
    let decodes = match filter.decodes_fields() {
        true => "fields are decoded for it",
        false => "no field is decoded for it",
    };
    format!("{filter}, tested at {at}; {decodes}, no index is used")
}

fn ordered(order: Order) -> &'static str {
    match order {
        Order::BreadthFirst => "breadth first",
        Order::DepthFirst => "depth first",
        Order::LeastCost => "least cost first",
        Order::Random { .. } => "random among what waits",
    }
}

fn unique(unique: Unique) -> &'static str {
    match unique {
        Unique::Node => "no node twice",
        Unique::Edge => "no edge twice",
        Unique::Path => "no node twice on a path",
        Unique::None => "anything again",
    }
}

fn budgets(limits: &Limits) -> String {
    let Limits { visits, visits_per_node, queue, wall, report_bytes } = limits;
    let wall_ms = wall.as_millis();
    format!(
        "visits {visits}, visits_per_node {visits_per_node}, queue {queue}, wall_ms {wall_ms}, \
         report_bytes {report_bytes}"
    )
}
