//! What the process takes: memory over time, threads, open files.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often memory is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// The part of the time after which the process is warm.
const WARM_UP: f64 = 0.2;

const MIB: f64 = (1 << 20) as f64;

/// Memory of the process that no file backs, in bytes; `None` where the system does not tell.
///
/// The embedded store maps its file: its pages are resident as long as nobody else wants the memory, so they would
/// say how much of the file was read, and hide what leaks.
fn resident() -> Option<u64> {
    // Counted page by page. What `statm` tells is off by some pages for each core.
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let anonymous = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"))?;
    Some(anonymous.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

/// Threads of the process; `None` where the system does not tell.
pub(crate) fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

/// Open files of the process; `None` where the system does not tell.
pub(crate) fn open_files() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

/// Memory over time.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// At the start, after the warm-up, at the most after it, and at the end; in MiB.
    pub(crate) start: f64,
    pub(crate) warm: f64,
    pub(crate) most: f64,
    pub(crate) end: f64,
    /// How it grew after the warm-up, by least squares, in MiB a minute.
    pub(crate) slope: f64,
}

/// Looks at the memory each second.
pub(crate) struct Gauge {
    samples: Arc<Mutex<Vec<(f64, f64)>>>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Gauge {
    /// `None`, said aloud, where the system does not tell.
    pub(crate) fn start() -> Option<Self> {
        if resident().is_none() {
            println!("soak: this system does not say how much memory a process has, so that is not checked");
            return None;
        }
        let (samples, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, end) = (Arc::clone(&samples), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let begun = Instant::now();
            // A hint that it may end; it is joined afterwards.
            while !end.load(Relaxed) {
                if let Some(bytes) = resident() {
                    kept.lock().unwrap().push((begun.elapsed().as_secs_f64() / 60.0, bytes as f64 / MIB));
                }
                std::thread::sleep(INTERVAL);
            }
        });
        Some(Self { samples, is_over, thread })
    }

    /// Memory now, in MiB.
    pub(crate) fn now(&self) -> f64 {
        self.samples.lock().unwrap().last().map_or(0.0, |&(_, mib)| mib)
    }

    /// Ends it, and tells how it was; `None` where there was no time to look.
    pub(crate) fn finish(self) -> Option<Memory> {
        self.is_over.store(true, Relaxed);
        self.thread.join().unwrap();
        let samples = std::mem::take(&mut *self.samples.lock().unwrap());
        let (&(_, start), &(until, end)) = (samples.first()?, samples.last()?);
        let warm: Vec<_> = samples.into_iter().filter(|&(at, _)| at >= until * WARM_UP).collect();
        let most = warm.iter().map(|&(_, mib)| mib).fold(0.0, f64::max);
        Some(Memory { start, warm: warm.first()?.1, most, end, slope: slope(&warm) })
    }
}

/// The slope of the line that fits best.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / count, y / count);
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if variance == 0.0 { 0.0 } else { covariance / variance }
}

/// Waits until the process has no more than so many threads and open files, where the system tells; tells how many it has
/// then.
pub(crate) async fn at_most(most: [Option<usize>; 2]) -> [Option<usize>; 2] {
    // Threads that calls to the store were made from end when they were idle for ten seconds.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let now = [threads(), open_files()];
        let has_more = now.iter().zip(&most).any(|(now, most)| most.is_some() && now > most);
        if !has_more || Instant::now() > until {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
