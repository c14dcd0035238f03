//! One database, used by Wayfare and by jvspatial itself: each reads what the other wrote, and keeps what it does not
//! know.

mod application;
mod sharing;
mod sqlite;

use serde_json::{Map, Value};
use wayfare::{Here, Result, Runtime, Walk, WalkError, edge, node, walker};

/// What the application calls `City`, as far as this program cares: it has never heard of `nickname` and `founded`.
#[node(name = "City", no_filters)]
pub struct City {
    pub name: String,
    #[serde(default)]
    pub population: u64,
    #[serde(default)]
    pub tags: Vec<String>,
}

#[edge(name = "Highway", no_filters)]
pub struct Highway {
    pub distance: f64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The names of all cities that can be reached over highways, whichever way they lead.
#[derive(Default)]
pub struct Tour {
    pub names: Vec<String>,
}

#[walker(name = "InteropTour")]
impl Tour {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) -> Result<(), WalkError> {
        self.names.push(here.name.clone());
        walk.visit(here.both::<Highway>());
        walk.visit(here.out::<Highway>());
        Ok(())
    }
}

/// Walks over all cities from one.
pub async fn tour(runtime: &Runtime, start: &str) -> Vec<String> {
    let walk = runtime.spawn(Tour::default()).at(start).await.unwrap();
    let mut names = walk.finish().await.unwrap().names;
    names.sort();
    names
}
