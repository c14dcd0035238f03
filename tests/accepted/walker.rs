//! Hooks of every accepted signature, called as the runtime calls them.

#![deny(warnings)]

use wayfare::__private::serde_json::json;
use wayfare::__private::{At, Entity, HookFault, HookTarget, Occasion, Order, Unique, Walker, WalkerType};
use wayfare::{Document, Here, Step, Walk, node, walker};

use crate::stage;

#[node]
struct City {
    name: String,
}

#[node]
struct Airport {
    iata: String,
}

#[derive(Debug)]
struct Failure;

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failure")
    }
}

impl std::error::Error for Failure {}

#[derive(Default)]
struct Ranger {
    seen: Vec<String>,
}

#[walker]
impl Ranger {
    const LIMIT: usize = 100;

    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) -> Step {
        self.note(format!("city {} {}", here.name, walk.depth()));
        Step::Skip
    }

    #[on_visit]
    fn without_walk(&mut self, here: &wayfare::Here<'_, City>) {
        self.note(format!("again {}", here.name));
    }

    #[on_visit(City, Airport)]
    fn either(&mut self, here: &Here<Document>, _: &mut Walk) -> Result<(), Failure> {
        self.note(format!("either {}", here.id()));
        Err(Failure)
    }

    #[on_visit]
    async fn slow<'a>(&mut self, here: &'a Here<'a, Airport>, walk: &mut Walk) -> Result<Step, Failure> {
        let none = walk.documents(&[]).await.map_err(|_| Failure)?;
        self.note(format!("slow {} {}", here.iata, none.len()));
        Ok(Step::Disengage)
    }

    // A receiver with its type is one too.
    #[allow(clippy::needless_arbitrary_self_type)]
    #[on_visit]
    async fn any(self: &mut Self, here: &Here<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        std::future::ready(()).await;
        self.note(format!("any {}", here.id()));
        Ok(())
    }

    #[on_visit]
    fn looks(&self, _here: &Here) {}

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) -> Result<(), wayfare::WalkError> {
        walk.report(&self.seen.len())
    }

    #[on_exit]
    async fn last(&self) {}

    fn note(&mut self, text: String) {
        if self.seen.len() < Self::LIMIT {
            self.seen.push(text);
        }
    }
}

#[derive(Default)]
#[allow(dead_code)]
struct Deep(u8);

#[walker(name = "Diver", order = "depth_first", unique = "none")]
impl Deep {
    #[wayfare::on_visit]
    fn here(&mut self, here: &Here) {
        let _ = here;
    }
}

#[derive(Default)]
struct Cheap;

#[walker(order = "least_cost", unique = "node")]
impl Cheap {
    #[on_exit]
    fn done(&mut self) {}
}

#[test]
fn targets() {
    let target = |index: usize| Ranger::hooks()[index].target;
    let entities = |index: usize| match target(index) {
        HookTarget::Visit(At::Entities(entities)) => {
            entities.iter().map(|entity| entity().1).collect::<Vec<_>>()
        }
        other => panic!("hook {index} runs at {other:?}"),
    };
    assert_eq!(
        Ranger::hooks().iter().map(|hook| (hook.name, hook.is_async)).collect::<Vec<_>>(),
        [
            ("city", false),
            ("without_walk", false),
            ("either", false),
            ("slow", true),
            ("any", true),
            ("looks", false),
            ("done", false),
            ("last", true),
        ]
    );
    assert_eq!(entities(0), [City::entity_name()]);
    assert_eq!(entities(1), [City::entity_name()]);
    assert_eq!(entities(2), [City::entity_name(), Airport::entity_name()]);
    assert_eq!(entities(3), [Airport::entity_name()]);
    assert!(matches!((target(4), target(5)), (HookTarget::Visit(At::Any), HookTarget::Visit(At::Any))));
    assert!(matches!((target(6), target(7)), (HookTarget::Exit, HookTarget::Exit)));
}

#[test]
fn sync_calls() {
    let (mut reach, mut walk) = (Ranger::default(), stage::walk());
    let paris = stage::visited("City", "paris", json!({"name": "Paris"}));
    assert_eq!(reach.call(0, Occasion::At(&paris), &mut walk).unwrap(), Step::Skip);
    assert_eq!(reach.call(1, Occasion::At(&paris), &mut walk).unwrap(), Step::Continue);
    assert!(
        matches!(reach.call(2, Occasion::At(&paris), &mut walk), Err(HookFault::Failed(error)) if error.is::<Failure>())
    );
    assert_eq!(reach.call(5, Occasion::At(&paris), &mut walk).unwrap(), Step::Continue);
    assert_eq!(reach.seen, ["city Paris 0", "again Paris", "either n.City.paris"]);

    reach.call(6, Occasion::Alone, &mut walk).unwrap();
    assert_eq!(walk.take_report(), [json!(3)]);

    let wrong = stage::visited("Village", "x", json!({"people": 3}));
    assert!(matches!(reach.call(0, Occasion::At(&wrong), &mut walk), Err(HookFault::Unreadable(_))));
    // What the runtime never asks for does nothing: no node, an async hook, no such hook.
    for (hook, occasion) in [(0, Occasion::Alone), (3, Occasion::At(&paris)), (99, Occasion::At(&paris))] {
        assert_eq!(reach.call(hook, occasion, &mut walk).unwrap(), Step::Continue);
    }
    assert_eq!(reach.seen.len(), 3);
}

#[test]
fn async_calls() {
    let jfk = stage::visited("Airport", "JFK", json!({"iata": "JFK"}));
    let mut reach = Ranger::default();
    let mut walk = stage::walk();
    let result = stage::finish(reach.call_async(3, Occasion::At(&jfk), &mut walk));
    assert_eq!(result.unwrap(), Step::Disengage);
    let result = stage::finish(reach.call_async(4, Occasion::At(&jfk), &mut walk));
    assert_eq!(result.unwrap(), Step::Continue);
    assert_eq!(reach.seen, ["slow JFK 0", "any n.Airport.JFK"]);

    let result = stage::finish(reach.call_async(7, Occasion::Alone, &mut walk));
    assert_eq!(result.unwrap(), Step::Continue);
    let result = stage::finish(reach.call_async(2, Occasion::At(&jfk), &mut walk));
    assert!(matches!(result, Err(HookFault::Failed(_))), "a sync hook can be called as an async one");
    let village = stage::visited("Village", "x", json!({}));
    let result = stage::finish(reach.call_async(3, Occasion::At(&village), &mut walk));
    assert!(matches!(result, Err(HookFault::Unreadable(_))));
    assert_eq!(reach.seen.len(), 3);
}

#[test]
fn options() {
    assert_eq!((Ranger::NAME, Deep::NAME), ("Ranger", "Diver"));
    let reach = Walker::options(&Ranger::default());
    assert_eq!((reach.order, reach.unique), (Order::BreadthFirst, Unique::Node));
    let deep = Walker::options(&Deep::default());
    assert_eq!((deep.order, deep.unique), (Order::DepthFirst, Unique::None));
    assert_eq!(Walker::options(&Cheap).order, Order::LeastCost);
    assert!(WalkerType::find("Diver").is_some() && WalkerType::find("Deep").is_none());
}
