//! Races between the layers, made by a remote layer that does what a test wants at the worst moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use wayfare_graph::{
    AnyValue, Begun, CacheType, EntityName, Kind, LookUp, LookedUp, ManualClock, RemoteCache, RemoteChange,
    RemoteEntry, RemoteError, RemoteFuture, RemoteListener, RemotePut, ResultCache, Ticket, Wanted,
};

use super::{CacheParts, LayeredCache, MemoryBound};
use crate::supervision::{ActorKind, Supervision, SupervisionSettings};

const MINUTE: Duration = Duration::from_secs(60);

type Trick = Box<dyn FnOnce() + Send>;

/// A remote layer in this process.
#[derive(Default)]
struct Double {
    entries: Mutex<HashMap<String, RemotePut>>,
    listener: OnceLock<RemoteListener>,
    /// Calls fail, although the connection stands.
    fails: AtomicBool,
    /// Only the invalidation of tags does.
    fails_to_invalidate: AtomicBool,
    /// So many of the next calls that write panic.
    panics: AtomicU32,
    /// The next deletion ends the thread it is made on, and does not come back.
    ends_thread: AtomicBool,
    /// Done between the question and the answer of the next look-up.
    before_answer: Mutex<Option<Trick>>,
}

impl std::fmt::Debug for Double {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Double")
    }
}

impl Double {
    fn answer<'a, T: Send + 'a>(&'a self, value: T) -> RemoteFuture<'a, T> {
        let failed = self.fails.load(SeqCst);
        let away = RemoteError::Away { url: "double".into(), reason: "told to".into() };
        Box::pin(async move { if failed { Err(away) } else { Ok(value) } })
    }

    fn panic_if_told(&self) {
        let panics = self.panics.fetch_update(SeqCst, SeqCst, |panics| panics.checked_sub(1));
        assert!(panics.is_err(), "told to panic");
    }

    fn entry(&self, key: &str) -> Option<RemoteEntry> {
        let entries = self.entries.lock();
        let put = entries.get(key)?;
        Some(RemoteEntry { value: Arc::clone(&put.value), left: put.ttl, tags: put.tags.clone() })
    }

    fn play_trick(&self) {
        let trick = self.before_answer.lock().take();
        if let Some(trick) = trick {
            trick();
        }
    }

    fn tell(&self, change: &RemoteChange) {
        self.listener.get().unwrap()(change);
    }
}

impl RemoteCache for Double {
    fn describe(&self) -> String {
        "double".into()
    }

    fn peek<'a>(&'a self, keys: &'a [&'a str]) -> RemoteFuture<'a, Vec<Option<RemoteEntry>>> {
        let found = keys.iter().map(|key| self.entry(key)).collect();
        self.play_trick();
        self.answer(found)
    }

    fn look_up<'a>(&'a self, wanted: &'a [LookUp]) -> RemoteFuture<'a, Vec<LookedUp>> {
        let looked_up =
            |wanted: &LookUp| LookedUp { entry: self.entry(&wanted.key), ticket: Ticket::default() };
        let found = wanted.iter().map(looked_up).collect();
        self.play_trick();
        self.answer(found)
    }

    fn fill<'a>(&'a self, put: &'a RemotePut, _: &'a Ticket) -> RemoteFuture<'a, bool> {
        self.panic_if_told();
        if !self.fails.load(SeqCst) {
            self.entries.lock().insert(put.key.clone(), put.clone());
        }
        self.answer(true)
    }

    fn put<'a>(&'a self, puts: &'a [RemotePut]) -> RemoteFuture<'a, ()> {
        if !self.fails.load(SeqCst) {
            self.entries.lock().extend(puts.iter().map(|put| (put.key.clone(), put.clone())));
        }
        self.answer(())
    }

    fn delete<'a>(&'a self, keys: &'a [String]) -> RemoteFuture<'a, u64> {
        self.panic_if_told();
        if self.ends_thread.swap(false, SeqCst) {
            actix_rt::System::current().stop();
            return Box::pin(std::future::pending());
        }
        if !self.fails.load(SeqCst) {
            self.entries.lock().retain(|key, _| !keys.contains(key));
        }
        self.answer(0)
    }

    fn invalidate<'a>(&'a self, tags: &'a [String]) -> RemoteFuture<'a, u64> {
        if self.fails_to_invalidate.load(SeqCst) {
            let away = RemoteError::Away { url: "double".into(), reason: "told to".into() };
            return Box::pin(std::future::ready(Err(away)));
        }
        if !self.fails.load(SeqCst) {
            self.entries.lock().retain(|_, put| !put.tags.iter().any(|tag| tags.contains(tag)));
        }
        self.answer(0)
    }

    fn delete_matching<'a>(&'a self, _: &'a str) -> RemoteFuture<'a, u64> {
        self.answer(0)
    }

    fn clear(&self) -> RemoteFuture<'_, ()> {
        if !self.fails.load(SeqCst) {
            self.entries.lock().clear();
        }
        self.answer(())
    }

    fn listen(&self, listener: RemoteListener) {
        listener(&RemoteChange::Back);
        assert!(self.listener.set(listener).is_ok());
    }

    fn health(&self) -> RemoteFuture<'_, ()> {
        self.answer(())
    }
}

fn layers() -> (Arc<LayeredCache>, Arc<Double>) {
    let double = Arc::new(Double::default());
    let remote: Arc<dyn RemoteCache> = double.clone();
    let parts = CacheParts {
        memory: Some(MemoryBound::Entries(100)),
        remote: Some(remote),
        value_bytes: 1 << 20,
        clock: Arc::new(ManualClock::new(1)),
    };
    (LayeredCache::new(parts).unwrap(), double)
}

fn wanted(tags: &[&str]) -> Wanted {
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    Wanted { tags, ..Wanted::new("k", CacheType::of::<u32>(), MINUTE) }
}

fn number(value: Option<AnyValue>) -> Option<u32> {
    value.and_then(|value| value.downcast_ref().copied())
}

fn in_memory(cache: &LayeredCache) -> Option<u32> {
    cache.hit("k", &CacheType::of::<u32>()).and_then(number)
}

async fn got(cache: &LayeredCache) -> Option<u32> {
    match in_memory(cache) {
        Some(found) => Some(found),
        None => cache.get_remotely("k", &CacheType::of::<u32>()).await.unwrap().and_then(number),
    }
}

async fn set(cache: &LayeredCache, value: u32, tags: &[&str]) {
    cache.set(wanted(tags), Arc::new(value)).await.unwrap();
}

/// Computes a value; what was there if it was.
async fn computed(cache: &LayeredCache, value: u32, tags: &[&str]) -> u32 {
    match cache.begin(wanted(tags)).await.unwrap() {
        Begun::Fill(filling) => {
            filling.finish(Some(Arc::new(value))).await.unwrap();
            value
        }
        Begun::Hit(found) | Begun::Stale(found) => number(found).unwrap(),
    }
}

/// Lets memory forget, so that the remote layer is asked.
fn forget(cache: &LayeredCache) {
    cache.memory.as_ref().unwrap().clear();
}

#[tokio::test]
async fn what_is_read_while_others_change_it_is_not_kept() {
    let (cache, double) = layers();
    for change in [
        RemoteChange::Key("k".into()),
        RemoteChange::Tag("t".into()),
        RemoteChange::Everything,
        RemoteChange::Lost,
        RemoteChange::Back,
    ] {
        set(&cache, 1, &["t"]).await;
        forget(&cache);
        let (told, telling) = (change.clone(), Arc::clone(&double));
        *double.before_answer.lock() = Some(Box::new(move || telling.tell(&told)));
        got(&cache).await;
        assert_eq!(in_memory(&cache), None, "{change:?}");
        double.tell(&RemoteChange::Back);
    }
}

#[tokio::test]
async fn a_tag_that_is_invalidated_while_its_entry_is_read_makes_it_a_miss() {
    let (cache, double) = layers();
    set(&cache, 1, &["t"]).await;
    forget(&cache);
    // Done from beginning to end between question and answer, so that nothing waits in the outbox any more.
    let invalidating = Arc::clone(&cache);
    *double.before_answer.lock() = Some(Box::new(move || {
        invalidating.memory.as_ref().unwrap().tags.invalidate("t");
    }));
    assert_eq!(got(&cache).await, None);
    assert_eq!(in_memory(&cache), None);
}

#[tokio::test]
async fn an_entry_is_not_believed_while_its_invalidation_is_undelivered() {
    let (cache, double) = layers();
    set(&cache, 1, &["t"]).await;
    double.fails_to_invalidate.store(true, SeqCst);
    cache.invalidate_tags(&["t"]).await.unwrap();
    assert_eq!(cache.figures().remote.unwrap().undelivered, 1);
    // The remote layer still has it, and answers.
    assert!(double.entry("k").is_some());
    assert_eq!(got(&cache).await, None);
    assert_eq!(computed(&cache, 2, &["t"]).await, 2);
    double.fails_to_invalidate.store(false, SeqCst);
    double.tell(&RemoteChange::Back);
    while cache.figures().remote.unwrap().undelivered > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(double.entry("k").is_none());
}

/// Who deletes the key would not be told of it here, so memory may not hold what the remote layer has not taken.
#[tokio::test]
async fn what_the_remote_layer_did_not_take_is_not_kept_while_it_tells_of_changes() {
    let (cache, double) = layers();
    double.fails.store(true, SeqCst);
    assert_eq!(computed(&cache, 1, &[]).await, 1);
    assert_eq!(in_memory(&cache), None);
    set(&cache, 2, &[]).await;
    assert_eq!(in_memory(&cache), None);
    // Without a connection memory is all there is.
    double.tell(&RemoteChange::Lost);
    assert_eq!(computed(&cache, 3, &[]).await, 3);
    assert_eq!(in_memory(&cache), Some(3));
    set(&cache, 4, &[]).await;
    assert_eq!(in_memory(&cache), Some(4));
    double.tell(&RemoteChange::Back);
    assert_eq!(in_memory(&cache), None);
}

#[tokio::test]
async fn a_delivery_that_failed_is_tried_again_though_the_connection_stood() {
    let (cache, double) = layers();
    set(&cache, 1, &[]).await;
    double.fails.store(true, SeqCst);
    cache.delete(&["k"]).await.unwrap();
    double.fails.store(false, SeqCst);
    let begun = std::time::Instant::now();
    while double.entry("k").is_some() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Layers whose actor is looked after as a runtime would.
fn supervised() -> (Arc<LayeredCache>, Arc<Double>, Arc<Supervision>) {
    let (cache, double) = layers();
    let supervision = Arc::new(Supervision::new(&SupervisionSettings::default()));
    cache.supervised_by(&supervision);
    (cache, double, supervision)
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_delivery_that_panics_is_made_again_and_until_then_nothing_it_concerns_is_believed() {
    let (cache, double, supervision) = supervised();
    set(&cache, 1, &[]).await;
    double.panics.store(u32::MAX, SeqCst);
    cache.delete(&["k"]).await.unwrap();
    assert!(double.entry("k").is_some(), "not delivered yet");
    assert_eq!(got(&cache).await, None);
    until("it is made again", || supervision.restarts(ActorKind::Cache) == 2).await;
    double.panics.store(0, SeqCst);
    until("it is delivered in the end", || double.entry("k").is_none()).await;
    until("it counts as delivered", || cache.figures().remote.unwrap().undelivered == 0).await;
    assert_eq!(supervision.degraded().map(ToString::to_string), None);
    assert_eq!(computed(&cache, 2, &[]).await, 2);
    assert_eq!(got(&cache).await, Some(2));
}

#[tokio::test]
async fn a_fill_that_panics_costs_that_fill_and_nothing_else() {
    let (cache, double, supervision) = supervised();
    double.panics.store(1, SeqCst);
    assert_eq!(computed(&cache, 1, &[]).await, 1);
    assert!(double.entry("k").is_none());
    assert_eq!(computed(&cache, 2, &[]).await, 2);
    assert!(double.entry("k").is_some());
    assert_eq!(supervision.restarts(ActorKind::Cache), 0);
}

#[tokio::test]
async fn a_cache_actor_whose_thread_ends_is_started_again_and_what_waited_is_delivered() {
    let (cache, double, supervision) = supervised();
    for round in 1..=3 {
        set(&cache, round, &[]).await;
        double.ends_thread.store(true, SeqCst);
        cache.delete(&["k"]).await.unwrap();
        assert!(double.entry("k").is_some(), "not delivered yet");
        assert_eq!(got(&cache).await, None);
        // The thread is begun again when it is needed.
        let begun_again = || {
            cache.home.deliver();
            supervision.restarts(ActorKind::Cache) == u64::from(round)
        };
        until("it is started again", begun_again).await;
        until("what was under way is delivered", || double.entry("k").is_none()).await;
        until("it counts as delivered", || cache.figures().remote.unwrap().undelivered == 0).await;
        assert_eq!(computed(&cache, 10 + round, &[]).await, 10 + round);
        assert_eq!(got(&cache).await, Some(10 + round));
    }
}

/// As after a gap in what the store tells: nobody has said of the entity before that it changed.
#[tokio::test]
async fn results_of_all_entities_are_out_of_date_when_any_may_have_changed() {
    let (cache, double) = layers();
    let entity = (Kind::Edge, EntityName::new("NeverToldOf").unwrap());
    cache.set(Wanted { entities: vec![entity], ..wanted(&[]) }, Arc::new(1_u32)).await.unwrap();
    assert_eq!(in_memory(&cache), Some(1));
    cache.any_entity_changed();
    assert_eq!(in_memory(&cache), None);
    until("the remote layer is told", || double.entry("k").is_none()).await;
    // What depends on no entity stays.
    set(&cache, 2, &["t"]).await;
    cache.any_entity_changed();
    assert_eq!(in_memory(&cache), Some(2));
}
