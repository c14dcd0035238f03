//! The runtime inside a service: a plain `#[tokio::main]` program whose tasks spawn walkers, by type and by
//! message, read what they emit, and stop it at the end.
//!
//! ```sh
//! cargo run --example embed
//! ```

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;
use wayfare::{
    Config, Direction, Here, Id, Runtime, Spawn, Walk, WalkError, WalkOptions, edge, node, walker,
};

#[node]
struct Service {
    name: String,
    team: String,
}

#[edge]
struct Calls {
    per_second: u32,
}

/// Finds the services that a failing one takes down: those that call it, and those that call them.
///
/// It serialises, so a message can spawn it by its name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Outage {
    affected: Vec<String>,
}

#[walker(options = Self::options)]
impl Outage {
    fn options(&self) -> WalkOptions {
        WalkOptions::default().links(Direction::In)
    }

    #[on_visit]
    fn service(&mut self, here: &Here<Service>, walk: &mut Walk) {
        if walk.depth() > 0 {
            self.affected.push(here.name.clone());
        }
        walk.visit(here.in_::<Calls>());
    }

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) -> Result<(), WalkError> {
        walk.report(&json!({ "affected": self.affected.len() }))
    }
}

/// Tells each team that is hit, which takes a while, and emits who was told.
#[derive(Debug, Default)]
struct Pager;

#[walker]
impl Pager {
    #[on_visit]
    async fn service(&mut self, here: &Here<'_, Service>, walk: &mut Walk) -> Result<(), WalkError> {
        // Stands for a call to another system. Other walks go on meanwhile.
        tokio::time::sleep(Duration::from_millis(5)).await;
        walk.emit(&json!({ "team": here.team, "service": here.name, "distance": walk.depth() }))?;
        walk.visit(here.in_::<Calls>());
        Ok(())
    }
}

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result {
    let folder = tempfile::tempdir()?;
    let config = Config::builder()
        .store_url(format!("embedded:{}", folder.path().join("services").display()))
        .workers_count(2)
        .limits_wall_ms(10_000)
        .build()?;
    let runtime = Runtime::start(&config)?;
    build(&runtime).await?;

    // The handle is cheap to clone and works from every task.
    let mut tasks = JoinSet::new();
    for name in ["database", "queue", "login"] {
        tasks.spawn(ask(runtime.clone(), name));
    }
    tasks.spawn(ask_by_message(runtime.clone()));
    tasks.spawn(page(runtime.clone()));
    while let Some(task) = tasks.join_next().await {
        task??;
    }

    // No new walks; those that run may finish, and everything written is durable when this returns.
    let late = runtime.clone();
    runtime.shutdown().await;
    match late.spawn(Pager).await {
        Err(error) => println!("after the shutdown: {error}"),
        Ok(_) => return Err("a stopped runtime took a walk".into()),
    }
    Ok(())
}

async fn build(runtime: &Runtime) -> Result {
    let graph = runtime.graph();
    let services = [
        ("database", "storage"),
        ("queue", "storage"),
        ("login", "identity"),
        ("orders", "shop"),
        ("mail", "shop"),
        ("website", "web"),
    ];
    for (name, team) in services {
        graph.create_as(name, Service { name: name.into(), team: team.into() }).await?;
    }
    let calls = [
        ("login", "database", 900),
        ("orders", "database", 300),
        ("orders", "queue", 300),
        ("mail", "queue", 20),
        ("website", "login", 800),
        ("website", "orders", 250),
    ];
    for (from, to, per_second) in calls {
        graph.connect(id(from)?, id(to)?, Calls { per_second }).await?;
    }
    Ok(())
}

/// By type: the walker itself comes back, with its state.
async fn ask(runtime: Runtime, name: &'static str) -> Result {
    let walk = runtime.spawn(Outage::default()).at(id(name)?).await?;
    let outage = walk.finish().await?;
    println!("without {name}: {}", outage.affected.join(", "));
    Ok(())
}

/// By message, as one would arrive from a queue: a name, JSON arguments, and a key that makes it safe to send
/// twice.
async fn ask_by_message(runtime: Runtime) -> Result {
    let spawn = Spawn {
        walker: "Outage".into(),
        args: json!({}),
        at: id("database")?,
        key: Some("request-17".into()),
        admittance: Default::default(),
    };
    let walk = runtime.send(spawn.clone()).await?;
    let finished = walk.finish().await?;
    println!("message: {} in {} visits", finished.report[0], finished.profile.visits);
    match runtime.send(spawn).await {
        Err(WalkError::DuplicateKey { key }) => println!("message: `{key}` was answered already"),
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("a key started two walks".into()),
    }
    Ok(())
}

/// As a stream: the walk waits when nobody reads.
async fn page(runtime: Runtime) -> Result {
    let (walk, mut told) = runtime.spawn(Pager).at(id("queue")?).stream().await?;
    while let Some(told) = told.next().await {
        println!("paged: {}", told?);
    }
    walk.finish().await?;
    Ok(())
}

fn id(name: &str) -> Result<Id> {
    Ok(Id::node("Service", name)?)
}
