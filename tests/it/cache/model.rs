//! Random steps on a layered cache and on a plain map with a clock, which must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use wayfare::ManualClock;
use wayfare::cache::{Cache, memory};

use super::stage::{Fleet, ok};

const KEYS: [&str; 6] = ["a", "a:1", "a:2", "b", "b:[1]", "c"];
const TAGS: [&str; 3] = ["t", "u", "v"];

/// What is kept, as simply as it can be said.
#[derive(Default)]
struct Model {
    now: u64,
    kept: BTreeMap<&'static str, Kept>,
    /// In Redis, the keys that had a tag since it was invalidated last, though they may not have it any more.
    once: Option<BTreeMap<&'static str, BTreeSet<&'static str>>>,
}

#[derive(Clone)]
struct Kept {
    /// `None` when it is known to be missing.
    value: Option<u64>,
    until: u64,
    tags: BTreeSet<&'static str>,
}

impl Model {
    fn get(&self, key: &str) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| self.now < kept.until)
    }

    fn put(&mut self, key: &'static str, kept: Kept) {
        if let Some(once) = &mut self.once {
            for tag in &kept.tags {
                once.entry(tag).or_default().insert(key);
            }
        }
        self.kept.insert(key, kept);
    }

    fn invalidate(&mut self, tag: &'static str) {
        let once = self.once.as_mut().and_then(|once| once.remove(tag)).unwrap_or_default();
        self.kept.retain(|key, kept| !kept.tags.contains(tag) && !once.contains(key));
    }
}

/// Numbers that follow from a seed (Marsaglia, "Xorshift RNGs", 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn seed() -> u64 {
    let given = std::env::var("WAYFARE_CACHE_SEED").ok();
    let seed = given.map_or_else(|| rand_seed() | 1, |text| text.parse().unwrap());
    println!("cache model test: WAYFARE_CACHE_SEED={seed}");
    seed
}

fn rand_seed() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// One random step on caches that share everything and on the model. Only caches whose memory has the model's clock may
/// let time pass.
async fn step(
    caches: &[Cache],
    clock: Option<&ManualClock>,
    model: &mut Model,
    numbers: &mut Numbers,
) -> String {
    let cache = &caches[numbers.below(caches.len() as u64) as usize];
    let key = numbers.one(&KEYS);
    let tags: BTreeSet<&'static str> = TAGS.into_iter().filter(|_| numbers.below(3) == 0).collect();
    // Where time passes by itself, none must be over.
    let ttl = Duration::from_secs(if clock.is_some() { 1 } else { 1_000 } + numbers.below(100));
    let until = model.now + ttl.as_millis() as u64;
    let value = numbers.below(1_000_000);
    match numbers.below(if clock.is_some() { 12 } else { 11 }) {
        0..3 => {
            let got = cache.get::<u64>(key).await.unwrap().as_deref().copied();
            assert_eq!(got, model.get(key).and_then(|kept| kept.value), "get {key}");
            format!("get {key}")
        }
        3 => {
            let got = cache.get_many::<u64>(&KEYS).await.unwrap();
            let got: Vec<_> = got.iter().map(|got| got.as_deref().copied()).collect();
            let expected: Vec<_> = KEYS.map(|key| model.get(key).and_then(|kept| kept.value)).into();
            assert_eq!(got, expected, "get_many");
            "get_many".into()
        }
        4 => {
            cache.set(key, value, ttl).tags(tags.iter().copied()).await.unwrap();
            model.put(key, Kept { value: Some(value), until, tags });
            format!("set {key} {value} {ttl:?}")
        }
        5 | 6 => {
            let found = (numbers.below(3) > 0).then_some(value);
            let entry = cache.entry(key, ttl).tags(tags.iter().copied()).missing_for(ttl);
            let got = entry.or_find(async || ok(found)).await.unwrap().as_deref().copied();
            let kept = model.get(key).cloned().unwrap_or(Kept { value: found, until, tags });
            assert_eq!(got, kept.value, "or_find {key}");
            model.put(key, kept);
            format!("or_find {key} {found:?} {ttl:?}")
        }
        7 => {
            cache.delete(key).await.unwrap();
            model.kept.remove(key);
            format!("delete {key}")
        }
        8 => {
            let tag = numbers.one(&TAGS);
            cache.invalidate_tag(tag).await.unwrap();
            model.invalidate(tag);
            format!("invalidate {tag}")
        }
        9 => {
            let (pattern, is_meant): (_, fn(&str) -> bool) = numbers.one(&[
                ("a*", |key: &str| key.starts_with('a')),
                ("?", |key: &str| key.len() == 1),
                ("*[1]", |key: &str| key.ends_with("[1]")),
                ("*", |_: &str| true),
            ]);
            cache.invalidate_matching(pattern).await.unwrap();
            model.kept.retain(|key, _| !is_meant(key));
            format!("invalidate {pattern}")
        }
        10 => {
            let exists = cache.exists(key).await.unwrap();
            assert_eq!(exists, model.get(key).is_some_and(|kept| kept.value.is_some()), "exists {key}");
            format!("exists {key}")
        }
        _ => {
            model.now += numbers.below(20_000);
            if let Some(clock) = clock {
                clock.set_ms(1_000_000 + model.now);
            }
            format!("now {}", model.now)
        }
    }
}

#[tokio::test]
async fn a_cache_in_memory_does_what_a_map_does() {
    let mut numbers = Numbers(seed());
    for _ in 0..20 {
        let clock = Arc::new(ManualClock::new(1_000_000));
        let cache = [Cache::layered_by([memory(1_000)], clock.clone()).unwrap()];
        let mut model = Model::default();
        for _ in 0..2_000 {
            step(&cache, Some(&clock), &mut model, &mut numbers).await;
        }
    }
}

/// Steps follow each other, so what one process does the others see: a push that is still under way is older than the
/// answer to the next question, or waited for here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_over_one_redis_do_what_a_map_does() {
    let mut numbers = Numbers(seed());
    let Some(fleet) = Fleet::shared() else { return };
    let caches = [fleet.member(), fleet.forgetful()];
    let mut model = Model { once: Some(BTreeMap::new()), ..Model::default() };
    let mut steps = Vec::new();
    for _ in 0..3_000 {
        steps.push(step(&caches[..1], None, &mut model, &mut numbers).await);
        // What the server tells of the step comes before its answer to this.
        assert_eq!(caches[0].get::<u64>("never kept").await.unwrap(), None);
        // Whoever has no memory must see the same at once.
        for key in KEYS {
            let got = caches[1].get::<u64>(key).await.unwrap().as_deref().copied();
            assert_eq!(got, model.get(key).and_then(|kept| kept.value), "{key} after {:?}", steps.last());
        }
    }
}
