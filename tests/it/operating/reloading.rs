use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use wayfare::{
    Budget, ConfigBuilder, ConfigWatch, Direction, Error, Here, Reload, Walk, WalkError, Walking, walker,
};

use crate::walks::stage::{Hamlet, Stage, for_tests, hamlet, within};

/// Goes to and fro until it is told to stop.
#[derive(Debug, Default)]
struct Patrol {
    stop: Arc<AtomicBool>,
    made: u64,
}

#[walker(unique = "none")]
impl Patrol {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.made += 1;
        if !self.stop.load(SeqCst) {
            walk.visit(here.neighbours(Direction::Out));
        }
    }
}

/// A stage whose runtime watches a file.
struct Watched {
    stage: Stage,
    file: PathBuf,
    watch: ConfigWatch,
    stop: Arc<AtomicBool>,
}

impl Watched {
    /// With a file of that text, which has been taken over.
    async fn with(text: &str) -> Self {
        let stage = Stage::with(own);
        stage.draw("a=b").await;
        let file = stage.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        let url = format!("embedded:{}", stage.path().join("store").display());
        let over = move |builder: ConfigBuilder| own(for_tests(builder.store_url(url.as_str())));
        let watch = stage.runtime.watch_config_with(&file, over).unwrap();
        let mut watched = Self { stage, file, watch, stop: Arc::default() };
        watched.told().await;
        watched
    }

    /// What became of the file when it was looked at next.
    async fn told(&mut self) -> Arc<wayfare::Result<Reload>> {
        within(self.watch.next()).await.expect("the runtime runs")
    }

    /// Puts another file in the place of the one there.
    fn replace(&self, text: &str) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    async fn taken_over(&mut self) -> Reload {
        let told = self.told().await;
        told.as_ref().as_ref().unwrap().clone()
    }

    async fn refused(&mut self) -> String {
        let told = self.told().await;
        told.as_ref().as_ref().unwrap_err().to_string()
    }

    async fn patrol(&self) -> Walking<Patrol> {
        let patrol = Patrol { stop: Arc::clone(&self.stop), made: 0 };
        within(self.stage.runtime.spawn(patrol).at(hamlet("a")).into_future()).await.unwrap()
    }
}

/// What the program sets itself.
fn own(builder: ConfigBuilder) -> ConfigBuilder {
    builder
        .shards_count(2)
        // They go to and fro for as long as a busy machine takes for the rest.
        .limits_visits_per_node(1_000_000_000_000)
}

fn keys(reload: &Reload) -> [Vec<&str>; 2] {
    [&reload.applied, &reload.needs_restart].map(|changes| changes.iter().map(|change| change.key).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_workers_changes_while_walks_run_and_none_of_them_notices() {
    let mut watched = Watched::with("[workers]\ncount = 1\n").await;
    assert_eq!(watched.stage.runtime.workers(), 1);
    let mut walks = Vec::new();
    for _ in 0..6 {
        walks.push(watched.patrol().await);
    }
    watched.replace("[workers]\ncount = 3\nmailbox = 7\n");
    let reload = watched.taken_over().await;
    assert_eq!(keys(&reload), [vec!["workers.count"], vec!["workers.mailbox"]]);
    assert_eq!(watched.stage.runtime.workers(), 3);
    // Scaled by hand it stays so until the file says another number.
    watched.stage.runtime.scale(2).await.unwrap();
    watched.replace("[workers]\ncount = 3\n[updates]\nretries = 7\n");
    assert_eq!(keys(&watched.taken_over().await), [vec!["updates.retries"], vec![]]);
    assert_eq!(watched.stage.runtime.workers(), 2);
    watched.replace("[workers]\ncount = 1\n[updates]\nretries = 7\n");
    watched.taken_over().await;
    assert_eq!(watched.stage.runtime.workers(), 1);
    watched.stop.store(true, SeqCst);
    for walk in walks {
        let patrol = within(walk.finish()).await.unwrap();
        assert_eq!(patrol.made, walk.profile().visits);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_higher_bound_of_walks_lets_those_in_who_wait_and_a_lower_one_ends_none() {
    let mut watched = Watched::with("[workers]\ncount = 2\nmax_walks = 1\n").await;
    let first = watched.patrol().await;
    let runtime = watched.stage.runtime.clone();
    let patrol = Patrol { stop: Arc::clone(&watched.stop), made: 0 };
    let second = tokio::spawn(async move { runtime.spawn(patrol).at(hamlet("a")).await });
    within(async {
        while watched.stage.runtime.admission_figures().waiting < 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    watched.replace("[workers]\ncount = 2\nmax_walks = 2\n");
    watched.taken_over().await;
    let second = within(second).await.unwrap().unwrap();
    assert_eq!(watched.stage.runtime.metrics().number("wayfare_walks_max", None), Some(2.0));

    watched.replace("[workers]\ncount = 2\nmax_walks = 1\n[admission]\nqueue = 0\n");
    let reload = watched.taken_over().await;
    assert_eq!(keys(&reload), [vec!["workers.max_walks", "admission.queue"], vec![]]);
    assert_eq!(watched.stage.runtime.admission_figures().alive, 2);
    let patrol = Patrol { stop: Arc::clone(&watched.stop), made: 0 };
    let third = watched.stage.runtime.spawn(patrol).at(hamlet("a")).await;
    assert!(matches!(third.err(), Some(Error::Walk(WalkError::Overloaded { alive: 2, waiting: 0, .. }))));
    watched.stop.store(true, SeqCst);
    within(first.finish()).await.unwrap();
    within(second.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_hold_for_walks_spawned_afterwards_and_those_under_way_keep_theirs() {
    let mut watched = Watched::with("").await;
    let before = watched.patrol().await;
    watched.replace("[limits]\nvisits = 10\n");
    watched.taken_over().await;
    let after = watched.patrol().await;
    let ended = within(after.finish()).await.err();
    assert!(
        matches!(ended, Some(WalkError::BudgetReached { budget: Budget::Visits, limit: 10, .. })),
        "{ended:?}"
    );
    // A walk with a deadline of its own takes the other budgets from the settings as they are now.
    let patrol = Patrol { stop: Arc::clone(&watched.stop), made: 0 };
    let spawning = watched.stage.runtime.spawn(patrol).at(hamlet("a"));
    let ended = within(spawning.deadline(std::time::Duration::from_secs(60)).await.unwrap().finish()).await;
    assert!(matches!(ended.err(), Some(WalkError::BudgetReached { budget: Budget::Visits, .. })));
    watched.stop.store(true, SeqCst);
    assert!(within(before.finish()).await.unwrap().made > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_one_bad_setting_is_refused_whole_and_names_key_and_value() {
    let mut watched = Watched::with("[workers]\ncount = 1\n").await;
    watched.replace("[workers]\ncount = 2\n[limits]\nvisits = 0\n");
    let told = watched.refused().await;
    assert!(told.contains("`limits.visits` is `0`") && told.contains("config.toml:4"), "{told}");
    assert_eq!(watched.stage.runtime.workers(), 1);
    watched.replace("[workers]\ncoumt = 2\n");
    assert!(watched.refused().await.contains("did you mean `workers.count`?"));
    // By itself each is right.
    watched.replace("[store.pool]\nmin_size = 9\nmax_size = 3\n");
    assert!(watched.refused().await.contains("`store.pool.min_size` is `9`"));
    watched.replace("[workers]\ncount = 2\n");
    assert_eq!(keys(&watched.taken_over().await), [vec!["workers.count"], vec![]]);
    assert_eq!(watched.stage.runtime.workers(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_half_written_is_refused_and_taken_over_when_it_is_whole() {
    let mut watched = Watched::with("[workers]\ncount = 1\n").await;
    std::fs::write(&watched.file, "[workers]\ncount = 2\n[limits").unwrap();
    assert!(watched.refused().await.contains("is not TOML"));
    assert_eq!(watched.stage.runtime.workers(), 1);
    std::fs::write(&watched.file, "[workers]\ncount = 2\n[limits]\nvisits = 7\n").unwrap();
    assert_eq!(keys(&watched.taken_over().await), [vec!["workers.count", "limits.visits"], vec![]]);
    assert_eq!(watched.stage.runtime.workers(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_changes_nothing_and_counts_again_when_it_is_back() {
    let mut watched = Watched::with("[workers]\ncount = 1\n").await;
    std::fs::remove_file(&watched.file).unwrap();
    assert!(watched.refused().await.starts_with("cannot read settings file"));
    assert_eq!(watched.stage.runtime.workers(), 1);
    std::fs::write(&watched.file, "[workers]\ncount = 2\n").unwrap();
    assert_eq!(keys(&watched.taken_over().await), [vec!["workers.count"], vec![]]);
    assert_eq!(watched.stage.runtime.workers(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_its_runtime_which_takes_no_settings_any_more() {
    let mut watched = Watched::with("").await;
    let runtime = watched.stage.runtime.clone();
    let config = wayfare::Config::builder().updates_retries(3).build().unwrap();
    within(watched.stage.runtime.clone().shutdown()).await;
    let refused = runtime.reload(&config).await;
    assert!(matches!(refused, Err(Error::Walk(WalkError::Stopped))), "{refused:?}");
    watched.replace("[updates]\nretries = 4\n");
    assert!(within(watched.watch.next()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_settings_asked_for_at_once_the_last_hold_whole() {
    let stage = Stage::with(|builder| builder.workers_count(1));
    let base = wayfare::Config::builder().shards_count(1).build().unwrap();
    for round in 0..50 {
        let configs = [2, 3, 4].map(|count| base.to_builder().workers_count(count).updates_retries(count));
        let [one, two, three] = configs.map(|config| config.build().unwrap());
        let (runtime, other) = (stage.runtime.clone(), stage.runtime.clone());
        // One whose caller does not wait is made all the same.
        drop(futures_util::FutureExt::now_or_never(runtime.reload(&one)));
        let (two, three) = tokio::join!(runtime.reload(&two), other.reload(&three));
        let (two, three) = (two.unwrap(), three.unwrap());
        assert_eq!((two.applied[0].from.as_str(), three.applied[0].from.as_str()), ("2", "3"), "{round}");
        assert_eq!(stage.runtime.workers(), 4);
    }
}
