//! Freebase: who acted with whom.

use serde_json::json;
use wayfare::Direction;

use super::{Asking, FAMILY};

/// From a film to those who act in it, over the node of a performance.
const CAST: [&str; 2] = ["starring", "actor"];

/// Edges between people who act in one film: performance, film, performance, person.
const STEPS: usize = 4;

pub async fn ask(asking: &mut Asking<'_>) {
    for row in asking.expected("co_actor_numbers").as_array().unwrap() {
        let levels = asking.levels(&asking.subject.id(&row["id"]), &CAST, Direction::Both).await;
        let people = |level: &Vec<_>| level.iter().filter(|id: &&wayfare::Id| id.entity().as_str() == "person").count();
        let histogram: Vec<usize> = levels.iter().step_by(STEPS).map(people).collect();
        let part = "co_actor_distance_histogram";
        asking.check.same(FAMILY, &row["name"], part, &row[part], &json!(histogram));
        let others: usize = levels.iter().enumerate().filter(|(depth, _)| depth % STEPS != 0).map(|(_, l)| people(l)).sum();
        asking.check.same(FAMILY, &row["name"], "people between the steps", &0, &others);
        let films = levels.get(2).map_or(0, Vec::len);
        asking.check.same(FAMILY, &row["name"], "films", &row["films"], &json!(films));
    }
    for row in asking.expected("casts").as_array().unwrap() {
        let film = asking.subject.id(&row["id"]);
        for (part, along, depth) in [("cast", &CAST[..], 2), ("directors", &["directed_by"], 1)] {
            let levels = asking.levels(&film, along, Direction::Out).await;
            let people = levels.get(depth).cloned().unwrap_or_default();
            let mut names = asking.texts(&people, "name").await;
            names.sort();
            asking.check.same(FAMILY, &row["name"], part, &row[part], &json!(names));
        }
    }
}
