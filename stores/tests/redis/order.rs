use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::FutureExt;

use super::*;

/// How long writers and readers are let run against each other.
const RACE: Duration = Duration::from_millis(1_500);

#[test]
fn others_are_told_what_one_changes_and_oneself_is_not() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        let (heard_by_one, heard_by_other) = (heard(&one), heard(&other));
        let given = ticket(&one, "filled", &["t"]).await;
        assert!(one.fill(&put("filled", "", &["t"]), &given).await.unwrap());
        set(&one, "put", "", &["t"]).await;
        one.delete(&names(&["put"])).await.unwrap();
        assert!(!one.fill(&put("refused", "", &["t"]), &given).await.unwrap());
        set(&one, "last", "", &[]).await;
        heard_by_other.until(&key("last"));
        one.health().await.unwrap();
        assert_eq!(heard_by_one.all(), [RemoteChange::Back]);
        let told = heard(&other);
        for name in ["filled", "put", "last"] {
            set(&one, name, "", &[]).await;
        }
        let told = [told.next(), told.next(), told.next(), told.next()];
        assert_eq!(told, [RemoteChange::Back, key("filled"), key("put"), key("last")]);
    });
}

#[test]
fn what_was_acknowledged_before_a_look_up_is_told_before_its_answer() {
    let Some((one, other)) = two() else { return };
    let told = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&told);
    one.listen(Arc::new(move |change| {
        if *change == key("a") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    }));
    block_on(async {
        for round in 1..=2_000 {
            set(&other, "a", &round.to_string(), &[]).await;
            // Of anything, not of what was changed.
            look(&one, "b", &[]).await;
            assert_eq!(told.load(Ordering::SeqCst), round);
        }
    });
}

/// Writers go on while a reader looks up: whenever it holds what is old, it is told so, and with what was looked up it
/// never goes back behind what it was told.
#[test]
fn who_drops_what_is_told_never_keeps_what_is_old() {
    let Some((one, other)) = two() else { return };
    let kept: Arc<Mutex<HashMap<String, u64>>> = Arc::default();
    let changes = Arc::new(AtomicU64::new(0));
    let (dropped_from, counted) = (Arc::clone(&kept), Arc::clone(&changes));
    one.listen(Arc::new(move |change| {
        counted.fetch_add(1, Ordering::SeqCst);
        match change {
            RemoteChange::Key(key) => _ = dropped_from.lock().unwrap().remove(key),
            _ => dropped_from.lock().unwrap().clear(),
        }
    }));
    let is_over = AtomicBool::new(false);
    // What was acknowledged last, before which nothing may be read.
    let acknowledged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            block_on(async {
                let begun = Instant::now();
                let mut round = 0;
                while begun.elapsed() < RACE {
                    round += 1;
                    match round % 7 {
                        0 => _ = other.delete(&names(&["a"])).await.unwrap(),
                        _ => set(&other, "a", &round.to_string(), &["t"]).await,
                    }
                    acknowledged.store(round, Ordering::SeqCst);
                }
                set(&other, "a", "999999999", &[]).await;
                is_over.store(true, Ordering::SeqCst);
            });
        });
        block_on(async {
            let mut copies = 0_u64;
            while !is_over.load(Ordering::SeqCst) {
                let (floor, seen) = (acknowledged.load(Ordering::SeqCst), changes.load(Ordering::SeqCst));
                let Some(found) = value(&one, "a").await else { continue };
                let found: u64 = found.parse().unwrap();
                assert!(found >= floor, "{found} was read after {floor} was acknowledged");
                let mut kept = kept.lock().unwrap();
                // The listener takes the same lock: nothing is told between this and the copy.
                if changes.load(Ordering::SeqCst) == seen {
                    kept.insert("a".into(), found);
                    copies += 1;
                }
            }
            assert!(copies > 0);
            // One more round trip, before whose answer the last write is told.
            look(&one, "b", &[]).await;
            let kept = kept.lock().unwrap().get("a").copied();
            assert!(kept.is_none_or(|kept| kept == 999_999_999), "{kept:?} is kept");
        });
    });
}

#[test]
fn a_listener_that_panics_keeps_nobody_from_hearing() {
    let Some((one, other)) = two() else { return };
    one.listen(Arc::new(|change| assert_eq!(*change, RemoteChange::Back, "on purpose")));
    let heard = heard(&one);
    block_on(async {
        set(&other, "a", "", &[]).await;
        heard.until(&key("a"));
        one.health().await.unwrap();
    });
}

#[test]
fn calls_work_from_any_executor_and_go_on_when_they_are_dropped() {
    let Some((one, _)) = cache() else { return };
    // Without a runtime of tokio around, by looking again and again.
    let mut call = one.health();
    let begun = Instant::now();
    let answer = loop {
        if let Some(answer) = (&mut call).now_or_never() {
            break answer;
        }
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    };
    answer.unwrap();
    drop(call);
    drop(one.put(&[put("a", "1", &[])]));
    block_on(eventually("it was put", async || entry(&one, "a").await.is_some()));
    // Dropping within a runtime does not block.
    block_on(async { drop(one) });
}
