//! Hooks that edit the queue of their walk.

use serde_json::json;
use wayfare::{Direction, Filter, Order, Unique, Walk, WalkError, WalkOptions};

use super::script::{Scene, Script};
use super::stage::{Ferry, Lane, hamlet, key};

/// `b`, `c` and `d` wait when `b` is visited; nothing leads to `w`, `x`, `y` and `z` but edits.
const PLAIN: &str = "a>b a>c a>d w x y z";

fn breadth() -> WalkOptions {
    WalkOptions::default()
}

fn by(order: Order) -> WalkOptions {
    WalkOptions::default().order(order)
}

async fn names(text: &str, options: WalkOptions, script: Script) -> String {
    Scene::drawn(text).await.names(&hamlet("a"), options, script).await
}

/// Goes on along lanes, and tells whether this is the visit at which the queue is to be edited.
fn goes_on(here: &wayfare::Here, walk: &mut Walk, at: &str) -> bool {
    walk.visit(here.out::<Lane>());
    key(here.id()) == at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepended_comes_before_what_was_fetched_ahead_the_last_prepended_first() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.prepend(hamlet("x"));
            walk.prepend(hamlet("y"));
            walk.prepend(walk.slot_of(&hamlet("z")));
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b z y x c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepended_in_the_middle_of_many_comes_before_all_of_the_rest() {
    let text: String = (0..600).map(|number| format!("a>n{number} ")).collect::<String>() + "x";
    let script: Script = |here, walk| {
        if goes_on(here, walk, "n99") {
            walk.prepend(hamlet("x"));
        }
        Ok(())
    };
    let names = names(&text, breadth(), script).await;
    let expected: Vec<String> = (0..600).map(|number| format!("n{number}")).collect();
    let (before, after) = expected.split_at(100);
    assert_eq!(names, format!("a {} x {}", before.join(" "), after.join(" ")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepended_expression_keeps_the_order_of_its_edges() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.prepend(here.out::<Ferry>());
            walk.prepend(hamlet("z"));
        }
        Ok(())
    };
    assert_eq!(names("a>b a>c a>d b~x b~y z", breadth(), script).await, "a b z x y c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepending_what_waits_moves_it_and_what_was_visited_does_not_come_again() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.prepend(hamlet("d"));
            walk.prepend(hamlet("a"));
            walk.prepend(here);
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b d c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_uniqueness_what_is_prepended_comes_once_more() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.prepend(hamlet("d"));
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth().unique(Unique::None), script).await, "a b d c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn added_next_comes_in_the_order_of_the_calls_before_what_waits() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.add_next(hamlet("x"));
            walk.add_next(here.out::<Ferry>());
            walk.add_next(hamlet("w"));
        }
        Ok(())
    };
    assert_eq!(names("a>b a>c a>d b~y b~z w x", breadth(), script).await, "a b x y z w c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn added_next_at_a_later_visit_comes_before_what_an_earlier_one_added_next() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.add_next(hamlet("x"));
            walk.add_next(hamlet("y"));
        }
        if key(here.id()) == "x" {
            walk.add_next(hamlet("z"));
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b x z y c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_prepended_after_what_is_added_next_comes_before_it() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.add_next(hamlet("x"));
            walk.prepend(hamlet("y"));
            walk.add_next(hamlet("z"));
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b y x z c d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inserted_before_and_after_a_node_that_waits_stands_directly_there() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.insert_before(&hamlet("d"), hamlet("x"))?;
            walk.insert_after(&hamlet("c"), here.out::<Ferry>())?;
            walk.insert_after(&hamlet("d"), walk.slot_of(&hamlet("z")))?;
        }
        Ok(())
    };
    assert_eq!(names("a>b a>c a>d a>e b~w b~y x z", breadth(), script).await, "a b c w y x d z e");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_several_inserted_before_a_node_stands_directly_before_it() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.insert_before(&hamlet("d"), hamlet("x"))?;
            walk.insert_before(&hamlet("d"), hamlet("y"))?;
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b c x y d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_inserted_can_be_inserted_beside() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.insert_before(&hamlet("d"), hamlet("x"))?;
            walk.insert_before(&hamlet("x"), hamlet("y"))?;
            walk.insert_after(&hamlet("x"), hamlet("z"))?;
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b c y x z d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_may_insert_beside_what_it_has_asked_for_itself() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit(here.out::<Lane>());
            walk.insert_before(&hamlet("c"), hamlet("x"))?;
            walk.visit(hamlet("w"));
            walk.insert_after(&hamlet("w"), hamlet("y"))?;
            walk.visit_id("n.Hamlet.z").unwrap();
            walk.insert_before(&hamlet("z"), hamlet("v"))?;
        }
        Ok(())
    };
    assert_eq!(names("a>b a>c a>d v w x y z", breadth(), script).await, "a b x c d w y v z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_may_insert_beside_what_it_has_asked_for_at_a_cost() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit_at(2.0, walk.slot_of(&hamlet("c")))?;
            walk.visit_at(1.0, walk.slot_of(&hamlet("b")))?;
            walk.insert_before(&hamlet("c"), hamlet("x"))?;
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, by(Order::LeastCost), script).await, "a b x c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inserting_beside_what_does_not_wait_is_refused_and_the_walk_may_go_on() {
    const GONE: [&str; 5] = ["a", "b", "c", "x", "nowhere"];
    let script: Script = |here, walk| {
        match key(here.id()).as_str() {
            "a" => walk.visit(here.out::<Lane>()),
            // `d` waits.
            "c" => GONE.into_iter().try_for_each(|gone| {
                let refused = refused_beside(walk, gone);
                walk.report(&refused)
            })?,
            _ => {}
        }
        Ok(())
    };
    let (names, report) = Scene::drawn(PLAIN).await.run(&hamlet("a"), breadth(), script).await.unwrap();
    assert_eq!(names, "a b c d");
    assert_eq!(report, GONE.map(|gone| json!([gone, gone])));
}

/// The ids that the refusals to insert before and after a node name.
fn refused_beside(walk: &mut Walk, gone: &str) -> [String; 2] {
    let id = |refused: Result<(), WalkError>| match refused {
        Err(WalkError::NotQueued { id, .. }) => key(&id),
        other => panic!("{other:?}"),
    };
    let before = walk.insert_before(&hamlet(gone), hamlet("y"));
    [id(before), id(walk.insert_after(&hamlet(gone), hamlet("y")))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inserting_beside_what_an_expression_did_not_queue_ends_the_walk() {
    let script: Script = |here, walk| {
        walk.visit(here.out::<Lane>());
        walk.insert_before(&hamlet("x"), hamlet("y"))
    };
    match Scene::drawn(PLAIN).await.run(&hamlet("a"), breadth(), script).await {
        Err(WalkError::NotQueued { id, .. }) => assert_eq!(id, hamlet("x")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_inserted_beside_a_node_that_is_passed_over_comes_in_its_place() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit(hamlet("b"));
            walk.visit(hamlet("nowhere"));
            walk.visit(hamlet("c"));
            walk.visit(hamlet("d"));
        }
        if key(here.id()) == "b" {
            walk.insert_before(&hamlet("nowhere"), hamlet("w"))?;
            walk.insert_after(&hamlet("nowhere"), hamlet("x"))?;
            walk.insert_before(&hamlet("c"), hamlet("y"))?;
            walk.insert_after(&hamlet("c"), hamlet("z"))?;
        }
        Ok(())
    };
    let mut options = breadth();
    options.only = Some(Filter::parse(&json!({"context.name": {"$ne": "c"}})).unwrap());
    assert_eq!(names(PLAIN, options, script).await, "a b w x y z d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dequeued_does_not_come_and_may_be_queued_again() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.dequeue(&hamlet("c"));
            walk.dequeue(&hamlet("nowhere"));
            walk.dequeue(&hamlet("a"));
        }
        if key(here.id()) == "d" {
            walk.visit(hamlet("a"));
            walk.visit(hamlet("c"));
        }
        Ok(())
    };
    for order in [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost] {
        assert_eq!(names(PLAIN, by(order), script).await, "a b d c", "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_dequeued_as_often_as_it_waits_there() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit(here.out::<Lane>());
            walk.visit(here.out::<Lane>());
        }
        if walk.depth() == 1 && walk.queue_len() == 5 {
            walk.dequeue(&hamlet("c"));
        }
        Ok(())
    };
    let options = breadth().unique(Unique::None);
    assert_eq!(names(PLAIN, options, script).await, "a b d b d");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_may_dequeue_what_it_has_asked_for_and_ask_again() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit(here.out::<Lane>());
            walk.dequeue(&hamlet("b"));
            walk.dequeue(&hamlet("c"));
            walk.visit(hamlet("b"));
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a d b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clear_takes_out_all_that_waits_and_what_was_visited_stays_so() {
    let script: Script = |here, walk| {
        if key(here.id()) == "b" {
            walk.visit(hamlet("x"));
            walk.clear();
            walk.visit(hamlet("a"));
            walk.visit(hamlet("d"));
        } else {
            walk.visit(here.out::<Lane>());
        }
        Ok(())
    };
    for order in [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost] {
        assert_eq!(names(PLAIN, by(order), script).await, "a b d", "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clear_after_edits_takes_out_what_they_placed_too() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.prepend(hamlet("x"));
            walk.insert_before(&hamlet("d"), hamlet("y"))?;
            walk.add_next(hamlet("w"));
        }
        if key(here.id()) == "x" {
            walk.clear();
            walk.visit(hamlet("d"));
            walk.visit(hamlet("y"));
        }
        Ok(())
    };
    assert_eq!(names(PLAIN, breadth(), script).await, "a b w x d y");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_tells_what_waits_in_the_order_of_the_walk_as_it_was_when_the_visit_began() {
    let script: Script = |here, walk| {
        walk.visit(here.out::<Lane>());
        if key(here.id()) == "b" {
            walk.prepend(hamlet("x"));
            walk.insert_after(&hamlet("c"), hamlet("y"))?;
            walk.dequeue(&hamlet("d"));
        }
        let queued: Vec<String> = walk.queued().iter().map(key).collect();
        walk.report(&(key(here.id()), queued.join(" "), walk.queue_len()))
    };
    let mut scene = Scene::drawn(PLAIN).await;
    for order in [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost] {
        let (_, report) = scene.run(&hamlet("a"), by(order), script).await.unwrap();
        let expected = [
            json!(["a", "", 0]),
            json!(["b", "c d", 2]),
            json!(["x", "c y", 2]),
            json!(["c", "y", 1]),
            json!(["y", "", 0]),
        ];
        assert_eq!(report, expected, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_random_order_edits_keep_their_places() {
    let text: String = (0..40).map(|number| format!("a>n{number} ")).collect::<String>() + "x y z";
    let script: Script = |here, walk| {
        walk.visit(here.out::<Lane>());
        if walk.queue_len() == 20 && !walk.has_visited(&hamlet("x"))? {
            walk.prepend(hamlet("x"));
            walk.insert_before(&hamlet("x"), hamlet("y"))?;
            let last = walk.queued().last().cloned().unwrap();
            walk.insert_after(&last, hamlet("z"))?;
            walk.report(&key(&last))?;
        }
        Ok(())
    };
    let (names, report) =
        Scene::drawn(&text).await.run(&hamlet("a"), by(Order::Random { seed: 5 }), script).await.unwrap();
    let names: Vec<&str> = names.split(' ').collect();
    assert_eq!(names.len(), 44);
    assert_eq!(names[21..23], ["y", "x"]);
    let last = report[0].as_str().unwrap();
    let at = names.iter().position(|name| *name == last).unwrap();
    assert_eq!(names[at + 1], "z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_first_what_is_prepended_comes_before_the_subtree_of_the_visit() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "b") {
            walk.prepend(hamlet("x"));
            walk.insert_before(&hamlet("c"), hamlet("y"))?;
        }
        Ok(())
    };
    let text = "a>b a>c b>d b>e x>z y";
    assert_eq!(names(text, by(Order::DepthFirst), script).await, "a b x z d e y c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_placed_is_one_step_further_than_the_visit_that_asked() {
    let script: Script = |here, walk| {
        if goes_on(here, walk, "c") {
            walk.prepend(hamlet("x"));
        }
        let from = walk.from().map(|from| key(&from)).unwrap_or_default();
        walk.report(&(key(here.id()), walk.depth(), from))
    };
    let (_, report) =
        Scene::drawn("a>b b>c c>d x>y").await.run(&hamlet("a"), breadth(), script).await.unwrap();
    let expected = [
        json!(["a", 0, ""]),
        json!(["b", 1, "a"]),
        json!(["c", 2, "b"]),
        json!(["x", 3, "c"]),
        json!(["d", 3, "c"]),
        json!(["y", 4, "x"]),
    ];
    assert_eq!(report, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_follow_edges_against_their_direction_and_both_ways() {
    let script: Script = |here, walk| {
        if key(here.id()) == "a" {
            walk.visit(here.in_::<Lane>());
            walk.prepend(here.neighbours(Direction::Both));
            walk.insert_after(&hamlet("b"), here.both::<Ferry>())?;
        }
        Ok(())
    };
    // Both ways first, in the order of the edges; then what hangs on `b` is moved behind it.
    assert_eq!(names("b>a a>c a~d e~a", breadth(), script).await, "a b d e c");
}
