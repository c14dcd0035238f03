use super::*;
use crate::config::OrAuto;

fn keys(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.key).collect()
}

#[test]
fn what_may_change_is_taken_over_and_what_needs_a_restart_stays_and_is_told_each_time() {
    let now = Config::builder().workers_count(2).build().unwrap();
    let wanted = now.to_builder().workers_count(4).shards_count(8).updates_retries(7).limits_visits(5);
    let wanted = wanted.build().unwrap();
    let (reload, next) = compare(&now, &wanted, true);
    assert_eq!(keys(&reload.applied), ["workers.count", "limits.visits", "updates.retries"]);
    assert_eq!(reload.applied[0].to_string(), "`workers.count` from 2 to 4");
    assert_eq!(reload.needs_restart[0].to_string(), "`shards.count` from \"auto\" to 8");
    assert_eq!(next, now.to_builder().workers_count(4).updates_retries(7).limits_visits(5).build().unwrap());
    let (again, same) = compare(&next, &wanted, true);
    assert_eq!((keys(&again.applied), keys(&again.needs_restart)), (vec![], vec!["shards.count"]));
    assert_eq!(same, next);
    assert!(compare(&next, &next, true).0.is_empty());
}

#[test]
fn a_url_with_another_password_is_a_change_that_does_not_show_it() {
    let with = |password: &str| {
        let url = format!("mongodb://ann:{password}@host/graph");
        Config::builder().store_url(url).build().unwrap()
    };
    let (reload, _) = compare(&with("hush"), &with("hushed"), true);
    assert_eq!(keys(&reload.needs_restart), ["store.url"]);
    assert!(!format!("{reload:?}{}", reload.needs_restart[0]).contains("hush"));
}

#[test]
fn a_store_that_is_not_observed_from_the_start_needs_a_restart_to_be() {
    let now = Config::default();
    let wanted = now.to_builder().observe_slow_hook_ms(1).observe_slow_query_ms(1).observe_slow_commit_ms(1);
    let wanted = wanted.build().unwrap();
    assert_eq!(compare(&now, &wanted, true).0.needs_restart, []);
    let reload = compare(&now, &wanted, false).0;
    assert_eq!(keys(&reload.applied), ["observe.slow_hook_ms"]);
    assert_eq!(keys(&reload.needs_restart), ["observe.slow_query_ms", "observe.slow_commit_ms"]);
}

#[test]
fn every_setting_is_compared_and_taken_over_by_itself() {
    let now = Config::default();
    for setting in settings() {
        assert!(setting.is_same(&now, &now), "{}", setting.key());
    }
    let mut wanted = now.clone();
    wanted.workers.count = OrAuto::Fixed(3);
    wanted.limits.queue = 3;
    let differing: Vec<_> = settings().iter().filter(|setting| !setting.is_same(&now, &wanted)).collect();
    assert_eq!(
        differing.iter().map(|setting| setting.key()).collect::<Vec<_>>(),
        ["workers.count", "limits.queue"]
    );
    let mut taken = now.clone();
    differing[0].take(&mut taken, &wanted);
    assert_eq!((taken.workers.count, taken.limits.queue), (wanted.workers.count, now.limits.queue));
}
