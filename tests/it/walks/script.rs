//! A walker whose hook is given by the test, and runs wherever a hook can run: sync and async, in small and large
//! turns, on nodes that are resident and on nodes that are not.

use serde_json::Value;
use wayfare::{Here, Id, Kind, Walk, WalkError, WalkOptions, walker};

use super::stage::{Stage, key, within};

/// What a hook does at every node and edge.
pub(super) type Script = fn(&Here, &mut Walk) -> Result<(), WalkError>;

/// What came of a walk: the names of what it visited, and what it reported.
pub(super) type Outcome = Result<(String, Vec<Value>), WalkError>;

/// The key of a node; of an edge, the keys of its ends.
pub(super) fn name(here: &Here) -> String {
    if here.id().kind() == Kind::Node {
        return key(here.id());
    }
    let document = here.document().unwrap();
    let ends = document.ends().unwrap();
    format!("{}-{}", key(&ends.source), key(&ends.target))
}

#[derive(Debug)]
struct Sync {
    script: Script,
    options: WalkOptions,
    names: Vec<String>,
}

#[walker(options = Sync::options)]
impl Sync {
    fn options(&self) -> WalkOptions {
        self.options.clone()
    }

    #[on_visit]
    fn any(&mut self, here: &Here, walk: &mut Walk) -> Result<(), WalkError> {
        self.names.push(name(here));
        (self.script)(here, walk)
    }
}

#[derive(Debug)]
struct Async {
    script: Script,
    options: WalkOptions,
    names: Vec<String>,
}

#[walker(options = Async::options)]
impl Async {
    fn options(&self) -> WalkOptions {
        self.options.clone()
    }

    #[on_visit]
    async fn any(&mut self, here: &Here<'_>, walk: &mut Walk) -> Result<(), WalkError> {
        // Every other visit waits, so that batches come back at once and later.
        if self.names.len() % 2 == 1 {
            tokio::task::yield_now().await;
        }
        self.names.push(name(here));
        (self.script)(here, walk)
    }
}

/// A stored graph on which scripts are run.
pub(super) struct Scene(Option<Stage>);

impl Scene {
    pub(super) fn of(stage: Stage) -> Self {
        Self(Some(stage))
    }

    pub(super) async fn drawn(text: &str) -> Self {
        let stage = Stage::new();
        stage.draw(text).await;
        Self::of(stage)
    }

    /// The outcome of a script, which is to be the same wherever its hook runs.
    pub(super) async fn run(&mut self, at: &Id, options: WalkOptions, script: Script) -> Outcome {
        let mut first: Option<Outcome> = None;
        for turn in [256, 1] {
            for sync in [true, false] {
                let stage = self.0.take().unwrap();
                let stage = stage.reopened_with(|config| config.workers_turn_visits(turn)).await;
                for residence in ["cold", "resident"] {
                    let outcome = run_once(&stage, sync, at, &options, script).await;
                    let first = first.get_or_insert_with(|| outcome.clone());
                    assert_eq!(told(&outcome), told(first), "sync {sync}, {turn} visits a turn, {residence}");
                }
                self.0 = Some(stage);
            }
        }
        first.unwrap()
    }

    /// The names of what a script visits.
    pub(super) async fn names(&mut self, at: &Id, options: WalkOptions, script: Script) -> String {
        self.run(at, options, script).await.unwrap().0
    }
}

fn told(outcome: &Outcome) -> Result<&(String, Vec<Value>), String> {
    // Errors name the walker, which is another for each kind of hook.
    outcome.as_ref().map_err(|error| error.to_string().replace("`Async`", "`Sync`"))
}

async fn run_once(stage: &Stage, sync: bool, at: &Id, options: &WalkOptions, script: Script) -> Outcome {
    let (options, names) = (options.clone(), Vec::new());
    if sync {
        let walk = stage.runtime.spawn(Sync { script, options, names }).at(at).await.unwrap();
        let walker = within(walk.finish()).await?;
        return Ok((walker.names.join(" "), walk.report().to_vec()));
    }
    let walk = stage.runtime.spawn(Async { script, options, names }).at(at).await.unwrap();
    let walker = within(walk.finish()).await?;
    Ok((walker.names.join(" "), walk.report().to_vec()))
}
