//! Who is a neighbour: by direction and entity, over loops, parallel and bidirectional edges, and in which order.

use wayfare::{Along, Direction, Here, Neighbours, Unique, Walk, WalkError, walker};

use super::stage::{Ferry, Lane, Stage, Track, Trail, hamlet, key, within};

/// Looks around where it starts.
#[derive(Debug)]
struct Lookout {
    ask: fn(&Here) -> Neighbours,
    keys: Vec<String>,
}

#[walker]
impl Lookout {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        let slots = walk.neighbours(&(self.ask)(here)).await?;
        self.keys = slots.iter().filter_map(|&slot| walk.id_of(slot)).map(|id| key(&id)).collect();
        Ok(())
    }
}

async fn look(stage: &Stage, from: &str, ask: fn(&Here) -> Neighbours) -> String {
    let lookout = Lookout { ask, keys: Vec::new() };
    let walk = stage.runtime.spawn(lookout).at(hamlet(from)).await.unwrap();
    within(walk.finish()).await.unwrap().keys.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_are_told_apart_by_direction_and_entity() {
    let stage = Stage::new();
    stage.draw("a>b c>a a~d e~a").await;
    assert_eq!(look(&stage, "a", |here| here.out::<Lane>()).await, "b");
    assert_eq!(look(&stage, "a", |here| here.in_::<Lane>()).await, "c");
    assert_eq!(look(&stage, "a", |here| here.both::<Lane>()).await, "b c");
    assert_eq!(look(&stage, "a", |here| here.out::<Ferry>()).await, "d");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Out)).await, "b d");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::In)).await, "c e");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Both)).await, "b c d e");
    assert_eq!(look(&stage, "a", |here| here.out::<Track>()).await, "");
    let some = |here: &Here| {
        here.neighbours(Direction::Both).along(Along::names(&["Ferry", "Track", "Lane"]).unwrap())
    };
    assert_eq!(look(&stage, "a", some).await, "b c d e");
    let none = |here: &Here| here.neighbours(Direction::Both).along(Along::names(&["Unheard"]).unwrap());
    assert_eq!(look(&stage, "a", none).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_come_in_the_order_in_which_their_edges_were_made_whatever_the_entity() {
    let stage = Stage::new();
    stage.draw("b c d e f g").await;
    // One by one, so that each edge is made in a commit of its own.
    for edge in ["a~c", "a>b", "a#d", "a~e", "f>a", "a=g"] {
        stage.draw(edge).await;
    }
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Out)).await, "c b d e g");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Both)).await, "c b d e f g");
    assert_eq!(stage.trail("a").await, "a c b d e g");
    let stage = stage.reopened().await;
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Out)).await, "c b d e g");
    assert_eq!(stage.trail("a").await, "a c b d e g");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_made_by_connect_come_in_the_order_of_the_calls() {
    let stage = Stage::new();
    stage.draw("a b c d").await;
    let graph = stage.graph();
    graph.connect(hamlet("a"), hamlet("d"), Lane {}).await.unwrap();
    graph.connect(hamlet("a"), hamlet("b"), Ferry {}).await.unwrap();
    graph.connect(hamlet("a"), hamlet("c"), Lane {}).await.unwrap();
    // Made already: it stays where it is.
    graph.connect(hamlet("a"), hamlet("d"), Lane {}).await.unwrap();
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Out)).await, "d b c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bidirectional_edge_is_followed_every_way_and_listed_once() {
    let stage = Stage::new();
    stage.draw("a=b").await;
    for from in ["a", "b"] {
        let other = if from == "a" { "b" } else { "a" };
        for ask in [
            (|here| here.neighbours(Direction::Out)) as fn(&Here) -> Neighbours,
            |here| here.neighbours(Direction::In),
            |here| here.neighbours(Direction::Both),
        ] {
            assert_eq!(look(&stage, from, ask).await, other);
        }
    }
    assert_eq!(stage.trail("b").await, "b a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directed_self_loop_is_listed_at_both_its_ends_and_a_bidirectional_one_once() {
    let stage = Stage::new();
    stage.draw("a>a b=b").await;
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Out)).await, "a");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::In)).await, "a");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Both)).await, "a a");
    assert_eq!(look(&stage, "b", |here| here.neighbours(Direction::Out)).await, "b");
    assert_eq!(look(&stage, "b", |here| here.neighbours(Direction::Both)).await, "b");
    assert_eq!(stage.trail("a").await, "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_edges_of_a_multi_entity_each_count() {
    let stage = Stage::new();
    stage.draw("a b").await;
    let graph = stage.graph();
    let first = graph.connect(hamlet("a"), hamlet("b"), Track {}).await.unwrap();
    let second = graph.connect(hamlet("a"), hamlet("b"), Track {}).await.unwrap();
    assert_ne!(first.id(), second.id());
    assert_eq!(look(&stage, "a", |here| here.out::<Track>()).await, "b b");
    assert_eq!(stage.trail("a").await, "a b");
    let again = stage.trail_with(Trail::default(), "a", |spawning| spawning.unique(Unique::None)).await;
    assert_eq!(again, "a b b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_of_other_entities_join_the_same_two_nodes_beside_each_other() {
    let stage = Stage::new();
    stage.draw("a>b a~b b>a").await;
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Out)).await, "b b");
    assert_eq!(look(&stage, "a", |here| here.neighbours(Direction::Both)).await, "b b b");
}
