//! What of a walker depends on its other traits: its state, and whether arguments can make it.

#![deny(warnings)]

use wayfare::__private::serde::{Deserialize, Serialize};
use wayfare::__private::serde_json::json;
use wayfare::__private::{Order, Walker, WalkerType};
use wayfare::{Direction, WalkOptions, walker};

#[derive(Serialize, Deserialize)]
#[serde(crate = "wayfare::__private::serde")]
struct Both {
    hops: u32,
}

#[walker(options = Self::how)]
impl Both {
    #[on_exit]
    fn done(&self) {}

    fn how(&self) -> WalkOptions {
        let order = if self.hops > 1 { Order::DepthFirst } else { Order::LeastCost };
        WalkOptions::default().order(order).links(Direction::Out)
    }
}

#[derive(Serialize)]
#[serde(crate = "wayfare::__private::serde")]
struct Shown {
    hops: u32,
}

#[walker]
impl Shown {
    #[on_exit]
    fn done(&self) {}
}

#[derive(Deserialize)]
#[serde(crate = "wayfare::__private::serde")]
struct Made {
    hops: u32,
}

#[walker]
impl Made {
    #[on_exit]
    fn done(&self) {
        assert_eq!(self.hops, 3);
    }
}

struct Neither;

#[walker]
impl Neither {
    #[on_exit]
    fn done(&self) {}
}

/// Walkers with parameters are walkers, but no message can name one.
struct Generic<T>(T);

#[walker]
impl<T> Generic<T>
where
    T: Send + 'static,
{
    #[on_exit]
    async fn done(&mut self) {
        let _ = &self.0;
    }
}

struct Fixed<T>(T);

#[walker]
impl Fixed<u32> {
    #[on_exit]
    fn done(&self) {
        assert_eq!(self.0, 0);
    }
}

fn can_be_made(name: &str) -> Option<bool> {
    WalkerType::find(name).map(|walker| (walker.make)().is_some())
}

#[test]
fn state_is_what_serialises() {
    assert_eq!(Walker::state(&Both { hops: 2 }), Some(json!({"hops": 2})));
    assert_eq!(Walker::state(&Shown { hops: 2 }), Some(json!({"hops": 2})));
    assert_eq!(Walker::state(&Made { hops: 3 }), None);
    assert_eq!(Walker::state(&Neither), None);
}

#[test]
fn what_deserialises_can_be_made_by_name() {
    let made = ["Both", "Shown", "Made", "Neither", "Fixed", "Generic"].map(can_be_made);
    assert_eq!(made, [Some(true), Some(false), Some(true), Some(false), Some(false), None]);
    // Those of the crate, those of this file, and the durable one of `walker_hooks`.
    let names = ["Aggregate", "Both", "Lasting", "Made", "Path", "RandomWalk", "Reach", "TwoEndedPath"];
    assert_eq!(WalkerType::names(), names);

    let make = WalkerType::find("Both").and_then(|walker| (walker.make)()).unwrap();
    let both = make(json!({"hops": 7})).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(both.state(), Some(json!({"hops": 7})));
    assert!(make(json!({"hops": "many"})).is_err_and(|error| error.contains("invalid type")));
}

#[test]
fn options_may_follow_from_the_walker() {
    assert_eq!(Walker::options(&Both { hops: 2 }).order, Order::DepthFirst);
    assert_eq!(Walker::options(&Both { hops: 1 }).order, Order::LeastCost);
    assert!(Walker::options(&Both { hops: 1 }).need.wants_links(Direction::Out));
}

#[test]
fn walkers_may_have_parameters() {
    assert_eq!(Generic::<String>::hooks().len(), 1);
    assert!(Generic::<u8>::hooks()[0].is_async && Fixed::<u32>::NAME == "Fixed");
    let _ = (Generic(1_u8), Fixed(1_u32));
}
