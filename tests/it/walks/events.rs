//! Events between walkers and from the service around them.

use std::sync::Arc;

use tokio::sync::Notify;
use wayfare::{Direction, Here, HookError, Step, Walk, WalkError, event, walker};

use super::stage::{Stage, hamlet, key, until, within};

#[event]
struct Price {
    cents: u32,
}

#[event]
struct Closed;

/// Is published under the name of another type.
#[event(name = "Price")]
struct OtherPrice {}

#[event]
struct Ping {
    round: u32,
}

#[event]
struct Pong {
    round: u32,
}

/// Waits at its first node until it is let go, and writes down what it hears.
#[derive(Debug, Default)]
struct Listener {
    go: Arc<Notify>,
    heard: Vec<String>,
    stop_at: Option<u32>,
}

#[walker]
impl Listener {
    #[on_visit]
    async fn node(&mut self, here: &Here<'_>, walk: &mut Walk) {
        self.heard.push(key(here.id()));
        walk.visit(here.neighbours(Direction::Out));
        if walk.depth() == 0 {
            self.go.notified().await;
        }
    }

    #[on_event]
    fn priced(&mut self, event: &Price) -> Step {
        self.heard.push(format!("price {}", event.cents));
        if self.stop_at == Some(event.cents) { Step::Disengage } else { Step::Continue }
    }

    #[on_event]
    async fn closed(&mut self, _event: &Closed) {
        tokio::task::yield_now().await;
        self.heard.push("closed".into());
    }

    #[on_event]
    fn priced_again(&mut self, event: &Price, walk: &mut Walk) -> Result<(), HookError> {
        self.heard.push(format!("again {}", event.cents));
        if event.cents == 7 {
            walk.visit(hamlet("seven"));
        }
        if event.cents == 13 { Err("unlucky".into()) } else { Ok(()) }
    }
}

/// A listener that stands at its first node.
async fn listening(stage: &Stage, listener: Listener) -> (wayfare::Walking<Listener>, Arc<Notify>) {
    let go = Arc::clone(&listener.go);
    let walk = stage.runtime.spawn(listener).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    (walk, go)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_hooks_run_between_visits_in_the_order_of_publishing_each_for_its_type() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    assert!(stage.runtime.publish(Price { cents: 1 }) > 0);
    assert!(stage.runtime.publish(Price { cents: 2 }) > 0);
    stage.runtime.publish(OtherPrice {});
    go.notify_one();
    let heard = within(walk.finish()).await.unwrap().heard;
    assert_eq!(heard, ["a", "price 1", "again 1", "price 2", "again 2", "b"]);
    assert_eq!(walk.profile().events_missed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_with_two_hooks_for_one_event_subscribes_once() {
    let stage = Stage::new();
    stage.draw("a").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    assert_eq!(stage.runtime.publish(Price { cents: 1 }), 1);
    assert_eq!(stage.runtime.publish(Closed), 1);
    go.notify_one();
    let mut heard = within(walk.finish()).await.unwrap().heard;
    heard.sort();
    assert_eq!(heard, ["a", "again 1", "closed", "price 1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_hook_may_send_the_walk_somewhere_end_it_or_fail() {
    let stage = Stage::new();
    stage.draw("a>b seven").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    stage.runtime.publish(Price { cents: 7 });
    go.notify_one();
    assert_eq!(within(walk.finish()).await.unwrap().heard, ["a", "price 7", "again 7", "b", "seven"]);

    let (walk, go) = listening(&stage, Listener { stop_at: Some(5), ..Default::default() }).await;
    stage.runtime.publish(Price { cents: 5 });
    go.notify_one();
    assert_eq!(within(walk.finish()).await.unwrap().heard, ["a", "price 5"]);

    let (walk, go) = listening(&stage, Listener::default()).await;
    stage.runtime.publish(Price { cents: 13 });
    go.notify_one();
    let failed = within(walk.finish()).await.unwrap_err();
    assert!(
        matches!(&failed, WalkError::HookFailed { hook: "priced_again", at, .. } if *at == hamlet("a")),
        "{failed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_came_before_the_last_visit_ended_are_still_heard() {
    let stage = Stage::new();
    stage.draw("a seven").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    stage.runtime.publish(Price { cents: 7 });
    stage.runtime.publish(Price { cents: 8 });
    go.notify_one();
    let heard = within(walk.finish()).await.unwrap().heard;
    assert!(heard.starts_with(&["a".into(), "price 7".into(), "again 7".into()]), "{heard:?}");
    assert!(heard.contains(&"price 8".into()) && heard.contains(&"seven".into()), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_events_as_the_buffer_holds_may_wait_for_a_walk_that_ends() {
    let stage = Stage::with(|config| config.events_buffer(100_000));
    stage.draw("a").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    for cents in 100..100_100 {
        stage.runtime.publish(Price { cents });
    }
    go.notify_one();
    assert_eq!(within(walk.finish()).await.unwrap().heard.len(), 200_001);
    assert_eq!(walk.profile().events_missed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_is_too_slow_goes_on_and_tells_how_many_events_it_has_missed() {
    let stage = Stage::with(|config| config.events_buffer(4));
    stage.draw("a>b").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    for cents in 20..30 {
        stage.runtime.publish(Price { cents });
    }
    go.notify_one();
    let mut heard = within(walk.finish()).await.unwrap().heard;
    heard.retain(|heard| heard.starts_with("price"));
    assert_eq!(heard, ["price 26", "price 27", "price 28", "price 29"]);
    assert_eq!(walk.profile().events_missed, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_gets_events_of_its_type_from_its_subscription_on() {
    let stage = Stage::new();
    assert_eq!(stage.runtime.publish(Price { cents: 1 }), 0, "nobody listens yet");
    let mut prices = stage.runtime.subscribe::<Price>();
    assert!(prices.try_next().is_none());
    assert_eq!(stage.runtime.publish(Closed), 0);
    assert_eq!(stage.runtime.publish(Price { cents: 2 }), 1);
    assert_eq!(stage.runtime.publish(Price { cents: 3 }), 1);
    let mut cents = async || {
        let event = within(prices.next()).await.unwrap().unwrap();
        (event.get::<Price>().unwrap().cents, event.to_json())
    };
    assert_eq!(cents().await, (2, serde_json::json!({"cents": 2})));
    assert_eq!(cents().await.0, 3);
    drop(prices);
    assert_eq!(stage.runtime.publish(Price { cents: 4 }), 0, "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_is_too_slow_is_told_how_many_events_it_has_missed() {
    let stage = Stage::with(|config| config.events_buffer(2));
    let mut prices = stage.runtime.subscribe::<Price>();
    for cents in 0..5 {
        stage.runtime.publish(Price { cents });
    }
    let lagged = within(prices.next()).await.unwrap().unwrap_err();
    assert_eq!(lagged.missed, 3);
    assert!(lagged.to_string().starts_with("3 events"), "{lagged}");
    for cents in [3, 4] {
        let event = prices.try_next().unwrap().unwrap();
        assert_eq!(event.get::<Price>().unwrap().cents, cents);
    }
    assert!(prices.try_next().is_none());
}

/// Publishes a price at every node.
#[derive(Debug, Default)]
struct Publisher {
    heard_by: Vec<usize>,
}

#[walker]
impl Publisher {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.heard_by.push(walk.publish(Price { cents: walk.depth() }));
        walk.visit(here.neighbours(Direction::Out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_hears_what_another_walk_publishes() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let (walk, go) = listening(&stage, Listener::default()).await;
    let publisher = stage.runtime.spawn(Publisher::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(publisher.finish()).await.unwrap().heard_by, [1, 1, 1]);
    go.notify_one();
    let mut heard = within(walk.finish()).await.unwrap().heard;
    heard.retain(|heard| heard.starts_with("price"));
    assert_eq!(heard, ["price 0", "price 1", "price 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_what_nobody_hears_is_no_error() {
    let stage = Stage::new();
    stage.draw("a").await;
    let publisher = stage.runtime.spawn(Publisher::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(publisher.finish()).await.unwrap().heard_by, [0]);
}

/// Hears what it publishes itself.
#[derive(Debug, Default)]
struct Echo {
    heard: Vec<u32>,
}

#[walker]
impl Echo {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        walk.publish(Price { cents: walk.depth() });
        walk.visit(here.neighbours(Direction::Out));
    }

    #[on_event]
    fn priced(&mut self, event: &Price) {
        self.heard.push(event.cents);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_hears_its_own_events_too() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let walk = stage.runtime.spawn(Echo::default()).at(hamlet("a")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().heard, [0, 1, 2]);
}

/// Asks, and waits for the answer in its hook.
#[derive(Debug, Default)]
struct Asker {
    answers: Vec<u32>,
}

#[walker]
impl Asker {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>, walk: &mut Walk) -> Result<(), HookError> {
        let mut pongs = walk.subscribe::<Pong>();
        for round in 0..10 {
            while walk.publish(Ping { round }) == 0 {
                tokio::task::yield_now().await;
            }
            let pong = pongs.next().await.ok_or("the runtime has stopped")??;
            self.answers.push(pong.get::<Pong>().ok_or("not a pong")?.round);
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Answerer {
    asked: u32,
}

#[walker]
impl Answerer {
    #[on_visit]
    async fn node(&mut self, _here: &Here<'_>, walk: &mut Walk) -> Result<(), HookError> {
        let mut pings = walk.subscribe::<Ping>();
        while self.asked < 10 {
            let ping = pings.next().await.ok_or("the runtime has stopped")??;
            let round = ping.get::<Ping>().ok_or("not a ping")?.round;
            walk.publish(Pong { round });
            self.asked += 1;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_walks_talk_to_each_other_by_events() {
    for workers in [1, 2] {
        let stage = Stage::with(|config| config.workers_count(workers));
        let asker = stage.runtime.spawn(Asker::default()).await.unwrap();
        let answerer = stage.runtime.spawn(Answerer::default()).await.unwrap();
        assert_eq!(within(asker.finish()).await.unwrap().answers, Vec::from_iter(0..10));
        assert_eq!(within(answerer.finish()).await.unwrap().asked, 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_outside_learns_that_the_runtime_has_stopped() {
    let stage = Stage::new();
    let mut prices = stage.runtime.subscribe::<Price>();
    stage.runtime.publish(Price { cents: 1 });
    within(stage.runtime.clone().shutdown()).await;
    assert!(within(prices.next()).await.unwrap().is_ok(), "what was published before is still told");
    drop(stage);
    assert!(within(prices.next()).await.is_none());
}
