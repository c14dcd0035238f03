//! Freebase: who acted with whom.

use std::collections::HashSet;

use serde_json::json;
use wayfare::{Along, Direction, Here, Neighbours, Slot, Walk, WalkError, walker};

use super::{Asking, FAMILY};

pub async fn ask(asking: &mut Asking<'_>) {
    for row in asking.expected("co_actor_numbers").as_array().unwrap() {
        let found = asking.walk(CoActors::new(), &asking.subject.id(&row["id"])).await;
        let part = "co_actor_distance_histogram";
        asking.check.same(FAMILY, &row["name"], part, &row[part], &json!(found.people));
        asking.check.same(FAMILY, &row["name"], "films", &row["films"], &json!(found.own_films));
    }
    for row in asking.expected("casts").as_array().unwrap() {
        let film = asking.subject.id(&row["id"]);
        for (part, along, depth) in
            [("cast", &["starring", "actor"][..], 2), ("directors", &["directed_by"], 1)]
        {
            let levels = asking.levels(&film, along, Direction::Out).await;
            let people = levels.get(depth).cloned().unwrap_or_default();
            let mut names = asking.texts(&people, "name").await;
            names.sort();
            asking.check.same(FAMILY, &row["name"], part, &row[part], &json!(names));
        }
    }
}

/// Goes from a person to all who act in the same films, in one step over performance, film and performance.
///
/// Following edges alone would not do: one subject of the data is a film and acts in another, and it may be met as
/// the one before it is met as the other.
struct CoActors {
    actor: Along,
    starring: Along,
    /// How many people are so many steps away.
    people: Vec<u64>,
    /// Films in which the start acts.
    own_films: usize,
    films: HashSet<Slot>,
}

impl CoActors {
    fn new() -> Self {
        let along = |name| Along::names(&[name]).unwrap();
        let (actor, starring) = (along("actor"), along("starring"));
        Self { actor, starring, people: Vec::new(), own_films: 0, films: HashSet::new() }
    }
}

#[walker(name = "ReferenceCoActors")]
impl CoActors {
    #[on_visit]
    async fn person(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        let depth = walk.depth() as usize;
        self.people.resize(self.people.len().max(depth + 1), 0);
        self.people[depth] += 1;
        let along = |slot, along: &Along| Neighbours::of(slot, Direction::Both).along(along.clone());
        for own in walk.neighbours(&along(here.slot(), &self.actor)).await? {
            for film in walk.neighbours(&along(own, &self.starring)).await? {
                if !self.films.insert(film) {
                    continue;
                }
                for performance in walk.neighbours(&along(film, &self.starring)).await? {
                    walk.visit(along(performance, &self.actor));
                }
            }
        }
        if depth == 0 {
            self.own_films = self.films.len();
        }
        Ok(())
    }
}
