//! The process that gets the signals: it writes and walks until it is told to stop, and says what it was told.

use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures_util::FutureExt;
use wayfare::{Config, ConfigBuilder, Direction, Here, Runtime, Walk, walker};

use crate::walks::stage::{Hamlet, hamlet};

const STORE: &str = "WAYFARE_OPERATING_STORE";
const FILE: &str = "WAYFARE_OPERATING_FILE";
const STUBBORN: &str = "WAYFARE_OPERATING_STUBBORN";

/// Starts a child on a store, with a settings file. The walk of a stubborn one does not end when it drains.
pub(super) fn start(store: &str, file: &std::path::Path, is_stubborn: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "operating::child::works_until_it_is_told_to_stop",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(STORE, store)
        .env(FILE, file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    if is_stubborn {
        command.env(STUBBORN, "1");
    }
    command.spawn().unwrap()
}

static STOP: AtomicBool = AtomicBool::new(false);

/// Goes to and fro until it is told to stop.
#[derive(Debug, Default)]
struct Rounds {
    made: u64,
}

#[walker(unique = "none")]
impl Rounds {
    #[on_visit]
    fn hamlet(&mut self, here: &Here<Hamlet>, walk: &mut Walk) {
        self.made += 1;
        if !STOP.load(SeqCst) {
            walk.visit(here.neighbours(Direction::Out));
        }
    }
}

/// Not a test by itself: what a child does.
#[test]
fn works_until_it_is_told_to_stop() {
    let Ok(store) = std::env::var(STORE) else { return };
    // Bounded, should the parent die first.
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(300));
        std::process::exit(3);
    });
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    executor.block_on(work(&store));
}

async fn work(store: &str) {
    say("opens");
    let file = std::path::PathBuf::from(std::env::var_os(FILE).unwrap());
    let url = store.to_owned();
    // Without more visits than by default, its rounds are over after some seconds.
    let set = move |builder: ConfigBuilder| {
        builder.store_url(url.as_str()).limits_visits_per_node(1_000_000_000_000)
    };
    let config = set(Config::load(Some(&file)).unwrap().to_builder()).build().unwrap();
    let runtime = Runtime::start(&config).unwrap();
    let mut watch = runtime.watch_config_with(&file, set).unwrap();
    tokio::spawn(async move {
        while let Some(told) = watch.next().await {
            match &*told {
                Ok(reload) => say(&format!("reloaded {}", reload.applied.len())),
                Err(error) => say(&format!("refused {error}")),
            }
        }
    });
    let walk = runtime.spawn(Rounds::default()).at(hamlet("a")).await.unwrap();
    tokio::spawn(async move {
        let walked = walk.finish().await;
        say(&format!("walked {}", walked.is_ok_and(|rounds| rounds.made > 0)));
    });
    tokio::spawn(tell_of_drain(runtime.clone()));
    let mut stopping = pin!(wayfare::shutdown_on_signal(runtime.clone()));
    // It listens from the first time that it is polled on; what is said after that may be answered by a signal.
    assert!(stopping.as_mut().now_or_never().is_none());
    tokio::spawn(write(runtime));
    let signal = stopping.await.unwrap();
    say(&format!("stopped {signal:?}"));
}

/// Writes one node after another, and says each that was acknowledged.
async fn write(runtime: Runtime) {
    let graph = runtime.graph();
    // Until the runtime takes no more.
    while let Ok(stored) = graph.create(Hamlet { name: "new".to_owned() }).await {
        say(&format!("wrote {}", stored.id()));
    }
}

/// The walk ends after the drain has begun, unless it is a stubborn one.
async fn tell_of_drain(runtime: Runtime) {
    while runtime.metrics().number("wayfare_draining", None) != Some(1.0) {
        tokio::task::yield_now().await;
    }
    say("drains");
    if std::env::var_os(STUBBORN).is_none() {
        STOP.store(true, SeqCst);
    }
}

/// In one piece, past the capture of the test's output, and on a line of its own: the harness has begun one.
fn say(line: &str) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(format!("\nsays {line}\n").as_bytes());
}
