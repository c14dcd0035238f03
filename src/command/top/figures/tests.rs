//! The arithmetic of rates and quantiles.

use serde_json::{Value, json};

use super::{Bucket, Distribution, Figures, Interval, LARGEST, MOST_LABELS};

/// Figures with an uptime, a counter with two labels and a histogram of doubling bounds.
fn figures(uptime: f64, found: f64, lost: f64, counts: [u64; 4]) -> Figures {
    let bucket = |(up_to, count): (f64, u64)| json!({"up_to": up_to, "count": count});
    let buckets: Vec<Value> = [1.0, 2.0, 4.0].into_iter().zip(counts).map(bucket).collect();
    let times = json!({"count": counts[3], "sum": counts[3] as f64 * 2.0, "buckets": buckets});
    let told = json!({"families": [
        {"name": "wayfare_uptime_seconds", "kind": "gauge", "samples": [{"label": null, "value": uptime}]},
        {"name": "c", "samples": [
            {"label": ["of", "found"], "value": found},
            {"label": ["of", "lost"], "value": lost},
        ]},
        {"name": "h", "samples": [{"label": null, "value": times}]},
    ]});
    serde_json::from_value(told).unwrap()
}

#[test]
fn a_rate_is_growth_over_the_time_of_the_runtimes_own_clock() {
    let (before, after) = (figures(10.0, 100.0, 5.0, [0; 4]), figures(12.0, 300.0, 5.0, [0; 4]));
    let interval = Interval::between(&before, &after);
    assert_eq!(interval.seconds(), 2.0);
    assert_eq!(interval.rate("c", Some("found")), 100.0);
    assert_eq!(interval.rate("c", Some("lost")), 0.0);
    assert_eq!(interval.growth("c", None), 200.0);
    assert_eq!(interval.rate("unknown", None), 0.0);
    assert_eq!(after.labels("c"), ["found", "lost"]);
}

#[test]
fn counters_that_went_back_with_a_restart_are_counted_from_the_start() {
    let (before, after) = (figures(500.0, 9_000.0, 5.0, [5, 6, 7, 8]), figures(0.5, 40.0, 0.0, [0, 1, 1, 1]));
    let interval = Interval::between(&before, &after);
    assert!(interval.has_restart());
    assert_eq!((interval.seconds(), interval.rate("c", Some("found"))), (0.5, 80.0));
    assert_eq!(interval.rate("c", Some("lost")), 0.0);
    assert_eq!(interval.count_rate("h"), 2.0);
}

#[test]
fn one_counter_that_went_back_by_itself_makes_no_negative_rate() {
    let (before, after) = (figures(1.0, 50.0, 0.0, [0; 4]), figures(2.0, 7.0, 0.0, [0; 4]));
    let interval = Interval::between(&before, &after);
    assert!(!interval.has_restart());
    assert_eq!(interval.rate("c", None), 7.0);
}

#[test]
fn an_interval_without_length_has_no_rates() {
    let figures = figures(1.0, 50.0, 0.0, [1, 1, 1, 1]);
    let interval = Interval::between(&figures, &figures);
    assert_eq!((interval.rate("c", None), interval.count_rate("h")), (0.0, 0.0));
    assert_eq!((interval.mean("h"), interval.quantile("h", None, 0.5)), (None, None));
}

#[test]
fn quantiles_are_those_of_the_values_that_came_in_the_interval() {
    // Of ten new values, five are in (1, 2], five in (2, 4]; the hundred old ones were all below 1.
    let before = figures(1.0, 0.0, 0.0, [100, 100, 100, 100]);
    let after = figures(2.0, 0.0, 0.0, [100, 105, 110, 110]);
    let interval = Interval::between(&before, &after);
    assert_eq!(interval.quantile("h", None, 0.5), Some(2.0));
    assert_eq!(interval.quantile("h", None, 0.25), Some(1.5));
    assert_eq!(interval.quantile("h", None, 1.0), Some(4.0));
    assert_eq!((interval.mean("h"), interval.count_rate("h")), (Some(2.0), 10.0));
}

#[test]
fn what_lies_beyond_the_last_bound_is_told_as_that_bound() {
    let buckets = vec![Bucket { up_to: 1.0, count: 1 }, Bucket { up_to: 2.0, count: 1 }];
    let distribution = Distribution { count: 10, sum: 900.0, buckets };
    assert_eq!(distribution.quantile(0.99), Some(2.0));
    assert_eq!(Distribution::default().quantile(0.5), None);
    assert_eq!(Distribution { count: 3, ..Distribution::default() }.quantile(0.5), Some(0.0));
}

#[test]
fn half_is_never_above_most_where_bounds_do_not_ascend_or_counts_are_beyond_a_float() {
    let buckets = |told: [(f64, u64); 2]| told.map(|(up_to, count)| Bucket { up_to, count }).into();
    let fallen = Distribution { count: 10, sum: 0.0, buckets: buckets([(4.0, 5), (1.0, 10)]) };
    assert_eq!((fallen.quantile(0.5), fallen.quantile(0.99)), (Some(4.0), Some(4.0)));
    let told = buckets([(1.0, u64::MAX - 2_000), (2.0, u64::MAX - 1_000)]);
    let large = Distribution { count: u64::MAX, sum: 0.0, buckets: told };
    assert_eq!(large.quantile(1.0), Some(2.0));
}

#[test]
fn numbers_that_no_runtime_tells_are_taken_for_the_nearest_that_one_can() {
    let told = |uptime: f64| {
        let counted =
            [1.7e308, 1.7e308, -5.0, -0.0].map(|value| json!({"label": ["of", "x"], "value": value}));
        let times = json!({"count": 1, "sum": -1.0, "buckets": [{"up_to": -0.0, "count": 1}]});
        serde_json::from_value::<Figures>(json!({"families": [
            {"name": "wayfare_uptime_seconds", "samples": [{"label": null, "value": uptime}]},
            {"name": "c", "samples": counted},
            {"name": "low", "samples": [{"label": null, "value": -0.0}]},
            {"name": "h", "samples": [{"label": null, "value": times}]},
        ]}))
        .unwrap()
    };
    let (before, after) = (Figures::default(), told(5e-324));
    assert_eq!(after.number("c", None), 2.0 * LARGEST);
    assert_eq!(told(-1.0).number("wayfare_uptime_seconds", None), 0.0);
    assert!(after.number("low", None).is_sign_positive());
    let interval = Interval::between(&before, &after);
    assert_eq!((interval.rate("c", None), interval.count_rate("h")), (LARGEST, LARGEST));
    assert_eq!(interval.mean("h"), Some(0.0));
    assert!(interval.quantile("h", None, 0.5).is_some_and(f64::is_sign_positive));
}

#[test]
fn of_very_many_labels_the_first_are_told() {
    let samples: Vec<Value> =
        (0..1_000).map(|at| json!({"label": ["of", at.to_string()], "value": 1.0})).collect();
    let told = json!({"families": [{"name": "c", "samples": samples}]});
    let figures: Figures = serde_json::from_value(told).unwrap();
    assert_eq!((figures.labels("c").len(), figures.labels("c")[1]), (MOST_LABELS, "1"));
    assert_eq!(figures.number("c", None), 1_000.0);
}

#[test]
fn answers_of_another_form_are_no_figures() {
    for told in [json!({}), json!([]), json!({"families": [{"name": "x"}]}), json!({"families": {}})] {
        assert!(serde_json::from_value::<Figures>(told.clone()).is_err(), "{told}");
    }
    let none: Figures = serde_json::from_value(json!({"families": []})).unwrap();
    assert!(!none.are_of_a_runtime());
}
