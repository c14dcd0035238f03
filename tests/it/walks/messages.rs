//! Walkers spawned by message: a name, JSON arguments, a key.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wayfare::{Direction, Here, Spawn, Walk, WalkError, walker};

use super::inspecting::told;
use super::stage::{Stage, hamlet, key, until, within};
use super::waiting::Patient;

/// Greets everybody it meets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Greeter {
    greeting: String,
    #[serde(default)]
    greeted: Vec<String>,
}

#[walker(name = "TownGreeter")]
impl Greeter {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        let text = format!("{} {}", self.greeting, key(here.id()));
        walk.report(&text)?;
        self.greeted.push(text);
        walk.visit(here.neighbours(Direction::Out));
        Ok(())
    }
}

fn spawn(walker: &str, args: Value, key: Option<&str>) -> Spawn {
    Spawn {
        walker: walker.into(),
        args,
        at: hamlet("a"),
        key: key.map(str::to_owned),
        admittance: Default::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_is_made_of_its_arguments_and_gives_its_state_and_report() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let walk = stage.runtime.send(spawn("TownGreeter", json!({"greeting": "Hi"}), None)).await.unwrap();
    let finished = within(walk.finish()).await.unwrap();
    assert_eq!(finished.walker.name(), "TownGreeter");
    assert_eq!(finished.walker.state(), Some(json!({"greeting": "Hi", "greeted": ["Hi a", "Hi b"]})));
    assert_eq!(finished.report, [json!("Hi a"), json!("Hi b")]);
    assert_eq!(finished.profile.visits, 2);
    assert_eq!(finished.walker.into_any().downcast::<Greeter>().unwrap().greeted.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_of_messages_does_the_same() {
    let stage = Stage::new();
    stage.draw("a").await;
    let supervisor = stage.runtime.handle().supervisor();
    let sent = supervisor.send(spawn("TownGreeter", json!({"greeting": "Hi"}), None)).await;
    let finished = within(sent.expect("the supervisor lives").unwrap().finish()).await.unwrap();
    assert_eq!(finished.report, [json!("Hi a")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_never_starts_a_second_walk_also_when_the_first_has_ended() {
    let stage = Stage::new();
    stage.draw("a").await;
    let hi = || spawn("TownGreeter", json!({"greeting": "Hi"}), Some("request-17"));
    let walk = stage.runtime.send(hi()).await.unwrap();
    let refused = stage.runtime.send(hi()).await.unwrap_err();
    assert!(matches!(&refused, WalkError::DuplicateKey { key } if key == "request-17"), "{refused}");
    within(walk.finish()).await.unwrap();
    assert!(matches!(stage.runtime.send(hi()).await, Err(WalkError::DuplicateKey { .. })));
    let other = spawn("TownGreeter", json!({"greeting": "Hi"}), Some("request-18"));
    within(stage.runtime.send(other).await.unwrap().finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_messages_with_one_key_at_once_one_starts_a_walk() {
    let stage = Stage::new();
    stage.draw("a").await;
    let hi = || stage.runtime.send(spawn("TownGreeter", json!({"greeting": "Hi"}), Some("once")));
    let sent = futures_util::future::join_all((0..50).map(|_| hi())).await;
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_refused_does_not_use_its_key_up() {
    let stage = Stage::new();
    stage.draw("a").await;
    let bad = spawn("TownGreeter", json!({"greeting": 3}), Some("request-17"));
    stage.runtime.send(bad).await.unwrap_err();
    stage.runtime.send(spawn("TownGreeter", json!({"greeting": "Hi"}), Some("request-17"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_name_is_refused_with_the_nearest_one() {
    let stage = Stage::new();
    let refused = stage.runtime.send(spawn("TownGreter", json!({}), None)).await.unwrap_err();
    assert_eq!(refused.to_string(), "no walker is called `TownGreter`: did you mean `TownGreeter`?");
    let refused = stage.runtime.send(spawn("Zzyzx", json!({}), None)).await.unwrap_err();
    assert_eq!(refused.to_string(), "no walker is called `Zzyzx`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_that_cannot_be_made_of_arguments_is_not_known_by_name() {
    let stage = Stage::new();
    let refused = stage.runtime.send(spawn("Patient", json!({}), None)).await.unwrap_err();
    assert!(matches!(refused, WalkError::UnknownWalker { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_that_do_not_fit_are_refused_with_the_field() {
    let stage = Stage::new();
    for (args, field) in [
        (json!({}), "greeting"),
        (json!({"greeting": "Hi", "volume": 11}), "volume"),
        (json!({"greeting": 3}), "greeting"),
        (json!({"greeting": "Hi", "greeted": "nobody"}), "greeted"),
    ] {
        let refused = stage.runtime.send(spawn("TownGreeter", args.clone(), None)).await.unwrap_err();
        let WalkError::BadArguments { walker, reason } = refused else { panic!("{refused}") };
        assert_eq!(walker, "TownGreeter");
        assert!(reason.contains(field), "{args}: `{reason}` does not name `{field}`");
    }
}

/// Panics when it is asked how it goes, and when it is made.
#[derive(Debug, Serialize)]
struct Touchy {
    when_made: bool,
}

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let when_made = bool::deserialize(deserializer)?;
        assert!(!when_made, "made");
        Ok(Self { when_made })
    }
}

#[walker(options = Touchy::options)]
impl Touchy {
    fn options(&self) -> wayfare::WalkOptions {
        panic!("asked")
    }

    #[on_exit]
    fn done(&mut self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walker_that_panics_before_it_walks_is_refused_and_the_supervisor_goes_on() {
    let stage = Stage::new();
    stage.draw("a").await;
    for when_made in [true, false] {
        let refused = within(stage.runtime.send(spawn("Touchy", json!(when_made), Some("touchy")))).await;
        assert!(refused.is_err());
        let walk = within(stage.runtime.send(spawn("TownGreeter", json!({"greeting": "Hi"}), None))).await;
        within(walk.unwrap().finish()).await.unwrap();
    }
    // A message that started nothing has not used its key up.
    let again = spawn("TownGreeter", json!({"greeting": "Hi"}), Some("touchy"));
    within(stage.runtime.send(again).await.unwrap().finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_walkers_can_be_spawned_by_message() {
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let run = async |walker: &str, args: Value| {
        let walk = stage.runtime.send(spawn(walker, args, None)).await.unwrap();
        within(walk.finish()).await.unwrap().walker.state().unwrap()
    };
    assert_eq!(run("Reach", json!({"hops": 1})).await["levels"], json!([1, 1]));
    let path = run("Path", json!({"to": "n.Hamlet.c"})).await;
    assert_eq!(path["found"]["path"], json!(["n.Hamlet.a", "n.Hamlet.b", "n.Hamlet.c"]));
    assert_eq!(run("Aggregate", json!({"field": "name"})).await["result"]["with_field"], json!(2));
    let walked = run("RandomWalk", json!({"steps": 2, "seed": 1})).await;
    assert_eq!(walked["path"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_under_way_can_be_inspected() {
    let stage = Stage::new();
    stage.draw("a>b").await;
    let (go, wait) = oneshot::channel();
    let walk = stage.runtime.spawn(Patient::new(wait)).at(hamlet("a")).await.unwrap();
    until(async || walk.inspect().await.is_some_and(|walk| walk["waiting_for"] == "hook")).await;
    let mut seen = told(&walk).await;
    assert_eq!((&seen["walk"], &seen["walker"]), (&json!(walk.id()), &json!("Patient")));
    let mut all = Vec::new();
    until(async || {
        all = stage.runtime.handle().walks().await;
        all.len() == 1
    })
    .await;
    // Time goes on between the two.
    for told in [&mut seen, &mut all[0]] {
        assert!(told["budgets"]["wall_ms"]["reached"].is_u64());
        told["budgets"]["wall_ms"] = json!(null);
    }
    assert_eq!(all[0], seen);
    go.send(()).unwrap();
    within(walk.finish()).await.unwrap();
    assert_eq!(walk.inspect().await, None);
    assert!(stage.runtime.handle().walks().await.is_empty());
}
