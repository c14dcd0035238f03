//! Notices when somebody makes no progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wayfare::Runtime;

/// How long one thing may take. Nothing that is done here takes a fiftieth of it on two cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a runtime may take to tell how it is.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What is under way, and since when.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    busy: Mutex<HashMap<&'static str, Instant>>,
    runtime: Mutex<Option<Runtime>>,
}

/// Something under way. Dropped, it is done.
pub(crate) struct Busy {
    watch: Arc<Watch>,
    name: &'static str,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.watch.busy.lock().unwrap().remove(self.name);
    }
}

impl Watch {
    /// Begins something that has to end in time; one of a name at a time.
    pub(crate) fn begin(self: &Arc<Self>, name: &'static str) -> Busy {
        self.busy.lock().unwrap().insert(name, Instant::now());
        Busy { watch: Arc::clone(self), name }
    }

    /// The runtime that is asked how it is when something does not end.
    pub(crate) fn look_at(&self, runtime: Option<Runtime>) {
        // Dropped outside of the lock: it may be the last handle.
        let _before = std::mem::replace(&mut *self.runtime.lock().unwrap(), runtime);
    }

    fn stuck(&self) -> Vec<&'static str> {
        let busy = self.busy.lock().unwrap();
        busy.iter().filter(|(_, since)| since.elapsed() > PATIENCE).map(|(&name, _)| name).collect()
    }

    /// Looks on from a thread of its own, since what is stuck may keep all others. Ends the process when something
    /// is; a thread that looks on dies with the process.
    pub(crate) fn start(self: &Arc<Self>, seed: u64) {
        let watch = Arc::clone(self);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let stuck = watch.stuck();
                if !stuck.is_empty() {
                    println!("soak: FAILED with seed {seed}: no progress of {stuck:?} for {PATIENCE:?}");
                    watch.tell();
                    std::process::exit(1);
                }
            }
        });
    }

    /// Prints how the runtime is, and all of its walks.
    fn tell(&self) {
        let Some(runtime) = self.runtime.lock().unwrap().clone() else { return };
        println!("{:?}\n{}", runtime.admission_figures(), runtime.metrics().to_prometheus());
        println!("degraded: {:?}", runtime.degraded());
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        executor.block_on(async {
            match tokio::time::timeout(LAST_WORDS, runtime.health()).await {
                Ok(health) => println!("health: {health:#?}"),
                Err(_) => println!("the runtime does not tell its health"),
            }
            match tokio::time::timeout(LAST_WORDS, runtime.handle().walks()).await {
                Ok(walks) => walks.iter().for_each(|walk| println!("{walk:#}")),
                Err(_) => println!("the runtime does not tell its walks"),
            }
        });
        // Not drained: that would wait for what is stuck.
        std::mem::forget(runtime);
    }
}
