//! Hooks other than those of visits, several visits at once, visits at the same time, and hooks of entities.

#![deny(warnings)]

use std::any::TypeId;
use std::time::Duration;

use wayfare::__private::serde_json::json;
use wayfare::__private::{
    At, EventKey, HookSpec, HookTarget, HostCall, HostHook, Occasion, Order, ParallelWalker, Trail, Walker,
};
use wayfare::{Event, Here, Step, Walk, WalkError, edge, event, hosts, node, walker};

use crate::stage;

#[node]
struct City {
    name: String,
}

#[node]
struct Village {}

#[edge]
struct Road {}

#[event(name = "price")]
struct PriceChanged {
    cents: u64,
}

#[event]
struct Closed;

#[derive(Default)]
struct Tour {
    seen: Vec<String>,
}

#[walker(order = "depth_first", trail = 20, chunk_size = Self::CHUNK, profile)]
impl Tour {
    const CHUNK: usize = 3;

    #[on_enter]
    fn begin(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        self.seen.push(format!("enter {}", walk.depth()));
        Ok(())
    }

    #[on_enter]
    async fn waits(&mut self) -> Step {
        std::future::ready(Step::Continue).await
    }

    #[on_visit]
    fn cities(&mut self, here: &[Here<City>], walk: &mut Walk) -> Step {
        let names: Vec<&str> = here.iter().map(|city| city.name.as_str()).collect();
        self.seen.push(format!("cities {} {}", names.join(" "), walk.depth()));
        Step::Continue
    }

    #[on_visit]
    async fn any(&mut self, here: &[Here<'_>]) {
        std::future::ready(()).await;
        self.seen.push(format!("any {}", here.len()));
    }

    #[on_visit(City, Village)]
    fn either(&mut self, here: &[Here]) {
        self.seen.push(format!("either {}", here.len()));
    }

    #[on_visit]
    fn along(&mut self, _here: &Here<Road>) {}

    #[on_leave]
    fn left(&mut self, here: &Here<City>, _walk: &mut Walk) {
        self.seen.push(format!("left {}", here.name));
    }

    #[on_leave(City, Village)]
    async fn left_either(&mut self, _here: &Here<'_>) {}

    #[on_leave]
    fn left_any(&mut self, _here: &Here) {}

    #[on_event]
    fn priced(&mut self, event: &PriceChanged, _walk: &mut Walk) -> Step {
        self.seen.push(format!("price {}", event.cents));
        Step::Disengage
    }

    #[on_event]
    async fn closed(&mut self, _event: &Closed) {
        self.seen.push("closed".into());
    }

    #[on_exit]
    fn done(&self) {}
}

#[hosts]
impl City {
    #[on_visit]
    fn welcome(&self, visitor: &mut Tour) {
        visitor.seen.push(format!("welcome to {}", self.name));
    }

    #[on_visit]
    async fn guide(&self, visitor: &mut Tour, walk: &mut Walk) -> Result<Step, WalkError> {
        std::future::ready(()).await;
        visitor.seen.push(format!("guided in {}", self.name));
        walk.report(&self.name)?;
        Ok(Step::Skip)
    }

    #[allow(dead_code)]
    fn unmarked(&self) {}
}

struct Census {
    people: u64,
}

#[walker(max_workers = 4, order = "random", seed = 7, unique = "path")]
impl Census {
    #[on_visit]
    fn city(&self, here: &Here<City>) -> u64 {
        here.name.len() as u64
    }

    #[on_visit]
    async fn villages(&self, here: &[Here<'_, Village>], _walk: &mut Walk) -> Result<u64, WalkError> {
        Ok(here.len() as u64)
    }

    #[on_merge]
    fn add(&mut self, people: u64, _walk: &mut Walk) -> Step {
        self.people += people;
        Step::Continue
    }

    #[on_exit]
    fn done(&mut self) {
        self.people += 1;
    }
}

/// Without a merge, visits return what other hooks do.
struct Quiet;

#[walker(max_workers = 2)]
impl Quiet {
    #[on_visit]
    fn any(&self, _here: &Here) -> Step {
        Step::Skip
    }
}

/// Parameters do not keep a walker from making visits at the same time.
struct Generic<T>(T);

#[walker(max_workers = 3)]
impl<T: Send + Sync + 'static> Generic<T> {
    #[on_visit]
    fn any(&self, _here: &Here) {
        let _ = &self.0;
    }
}

#[derive(wayfare::__private::serde::Serialize, wayfare::__private::serde::Deserialize)]
#[serde(crate = "wayfare::__private::serde")]
struct Lasting {}

#[walker(durable(visits = 500, interval_ms = 50), trail = "all")]
impl Lasting {
    #[on_exit]
    fn done(&self) {}
}

#[test]
fn kinds() {
    let kind = |spec: &HookSpec| match spec.target {
        HookTarget::Enter => "enter",
        HookTarget::Visit(At::Any) => "visit any",
        HookTarget::Visit(At::Entities([_])) => "visit one",
        HookTarget::Visit(At::Entities(_)) => "visit several",
        HookTarget::Leave(At::Any) => "leave any",
        HookTarget::Leave(At::Entities([_])) => "leave one",
        HookTarget::Leave(At::Entities(_)) => "leave several",
        HookTarget::Event(_) => "event",
        HookTarget::Exit => "exit",
    };
    let told: Vec<_> =
        Tour::hooks().iter().map(|spec| (kind(spec), spec.is_async, spec.takes_many)).collect();
    assert_eq!(
        told,
        [
            ("enter", false, false),
            ("enter", true, false),
            ("visit one", false, true),
            ("visit any", true, true),
            ("visit several", false, true),
            ("visit one", false, false),
            ("leave one", false, false),
            ("leave several", true, false),
            ("leave any", false, false),
            ("event", false, false),
            ("event", true, false),
            ("exit", false, false),
        ]
    );
    let HookTarget::Event(key) = Tour::hooks()[9].target else { panic!("an event") };
    assert_eq!(key(), EventKey { name: "price", type_id: TypeId::of::<PriceChanged>() });
    assert_eq!((PriceChanged::NAME, Closed::NAME), ("price", "Closed"));
}

#[test]
fn calls() {
    let (mut tour, mut walk) = (Tour::default(), stage::walk());
    let cities = [
        stage::visited("City", "oslo", json!({"name": "Oslo"})),
        stage::visited("City", "bergen", json!({"name": "Bergen"})),
    ];
    tour.call(0, Occasion::Alone, &mut walk).unwrap();
    tour.call(2, Occasion::Many(&cities), &mut walk).unwrap();
    stage::finish(tour.call_async(3, Occasion::Many(&cities), &mut walk)).unwrap();
    tour.call(4, Occasion::Many(&cities), &mut walk).unwrap();
    tour.call(6, Occasion::At(&cities[0]), &mut walk).unwrap();
    let price = PriceChanged { cents: 99 };
    assert_eq!(tour.call(9, Occasion::Event(&price), &mut walk).unwrap(), Step::Disengage);
    stage::finish(tour.call_async(10, Occasion::Event(&Closed), &mut walk)).unwrap();
    // An event of another type, and a visit where many are expected, are nothing to these hooks.
    tour.call(9, Occasion::Event(&Closed), &mut walk).unwrap();
    tour.call(2, Occasion::At(&cities[0]), &mut walk).unwrap();
    let seen = ["enter 0", "cities Oslo Bergen 0", "any 2", "either 2", "left Oslo", "price 99", "closed"];
    assert_eq!(tour.seen, seen);
}

#[test]
fn hosts() {
    let hooks = HostHook::of(TypeId::of::<Tour>());
    assert_eq!(hooks.iter().map(|hook| hook.name).collect::<Vec<_>>(), ["guide", "welcome"]);
    assert!(HostHook::of(TypeId::of::<Census>()).is_empty());
    let oslo = stage::visited("City", "oslo", json!({"name": "Oslo"}));
    let (mut tour, mut walk) = (Tour::default(), stage::walk());
    for hook in hooks {
        let step = match hook.call {
            HostCall::Sync(call) => call(&oslo, &mut tour, &mut walk),
            HostCall::Async(call) => stage::finish(call(&oslo, &mut tour, &mut walk)),
        };
        assert_eq!(step.unwrap(), if hook.name == "guide" { Step::Skip } else { Step::Continue });
    }
    assert_eq!(tour.seen, ["guided in Oslo", "welcome to Oslo"]);
    assert_eq!(walk.take_report(), [json!("Oslo")]);
}

#[test]
fn parallel() {
    let mut census = Census { people: 0 };
    let oslo = stage::visited("City", "oslo", json!({"name": "Oslo"}));
    let villages = [stage::visited("Village", "a", json!({})), stage::visited("Village", "b", json!({}))];
    let mut walk = stage::walk();
    let (one, two) = (
        stage::finish(census.call_shared(0, Occasion::At(&oslo), &mut walk)).unwrap(),
        stage::finish(census.call_shared(1, Occasion::Many(&villages), &mut stage::walk())).unwrap(),
    );
    census.merge(one, &mut walk).unwrap();
    census.merge(two, &mut walk).unwrap();
    assert_eq!(census.people, 6);
    census.call(3, Occasion::Alone, &mut walk).unwrap_or_default();
    assert_eq!(Census::parallel().map(|parallel| parallel.max_workers), Some(4));
    assert!(Tour::parallel().is_none() && Quiet::parallel().is_some());
    assert_eq!(Generic::<u8>::parallel().map(|parallel| parallel.max_workers), Some(3));
    let step = stage::finish(Quiet.call_shared(0, Occasion::At(&oslo), &mut walk)).unwrap();
    assert_eq!(Quiet.merge(step, &mut walk).unwrap(), Step::Skip);
    let _ = Generic(1_u8);
}

#[test]
fn options() {
    let tour = Walker::options(&Tour::default());
    assert_eq!((tour.order, tour.trail, tour.chunk_size), (Order::DepthFirst, Trail::Last(20), 3));
    assert!(tour.detailed && tour.durable.is_none());
    assert_eq!(Walker::options(&Census { people: 0 }).order, Order::Random { seed: 7 });
    let lasting = Walker::options(&Lasting {});
    let durable = lasting.durable.unwrap();
    assert_eq!((durable.visits, durable.interval), (500, Duration::from_millis(50)));
    assert_eq!(lasting.trail, Trail::All);
}
