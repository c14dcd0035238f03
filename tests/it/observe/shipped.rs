//! The alert rules and the dashboard ask for metrics and labels that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use wayfare::{MetricKind, MetricSpec, metrics_table};

/// Labels that Prometheus adds when it scrapes.
const SCRAPED: &[&str] = &["instance", "job"];

fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("observe").join(name)
}

/// A metric as an expression names it.
#[derive(Debug)]
struct Named<'a> {
    spec: &'static MetricSpec,
    is_bucket: bool,
    /// What stands between the braces after it.
    selector: &'a str,
}

/// The metrics of an expression.
///
/// # Panics
/// For a name that is none.
fn metrics_of(expression: &str) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find("wayfare_") {
        let tail = &rest[at..];
        let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(tail.len());
        let (name, after) = tail.split_at(end);
        let selector =
            after.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or("", |(inner, _)| inner);
        let by_name = |name: &str| metrics_table().iter().find(|spec| spec.name == name);
        let parts = ["_bucket", "_sum", "_count"];
        let part = parts.iter().find_map(|part| Some((part, by_name(name.strip_suffix(part)?)?)));
        let (spec, is_bucket) = match (by_name(name), part) {
            (Some(spec), _) => {
                assert_ne!(spec.kind, MetricKind::Histogram, "`{name}` is a histogram: {expression}");
                (spec, false)
            }
            (None, Some((part, spec))) => {
                assert_eq!(spec.kind, MetricKind::Histogram, "`{name}` is no histogram: {expression}");
                (spec, *part == "_bucket")
            }
            (None, None) => panic!("`{name}` is no metric: {expression}"),
        };
        found.push(Named { spec, is_bucket, selector });
        rest = after;
    }
    found
}

/// Looks whether every metric, label and value of an expression is in the table; gives the names of its metrics.
fn check(expression: &str) -> BTreeSet<&'static str> {
    let metrics = metrics_of(expression);
    assert!(!metrics.is_empty(), "no metric of ours: {expression}");
    let mut labels: BTreeSet<&str> = SCRAPED.iter().copied().collect();
    for metric in &metrics {
        labels.extend(metric.spec.label.map(|label| label.name));
        labels.extend(metric.is_bucket.then_some("le"));
        for matcher in metric.selector.split(',').filter(|matcher| !matcher.trim().is_empty()) {
            let (name, value) = matcher.split_once('=').unwrap();
            let name = name.trim_end_matches('!').trim();
            if SCRAPED.contains(&name) {
                continue;
            }
            let label = metric.spec.label.filter(|label| label.name == name);
            let label = label.unwrap_or_else(|| panic!("`{}` has no label `{name}`", metric.spec.name));
            for value in value.trim_start_matches('~').trim_matches('"').split('|') {
                assert!(label.values.contains(&value), "`{name}` is never `{value}`: {expression}");
            }
        }
        if metric.spec.kind != MetricKind::Gauge {
            let wraps = ["rate(", "increase("].iter().any(|wrap| expression.contains(wrap));
            assert!(wraps, "a counter says little by itself: {expression}");
        }
    }
    for grouped in expression.split(" by (").skip(1) {
        let (names, _) = grouped.split_once(')').unwrap();
        for name in names.split(',').map(str::trim) {
            assert!(labels.contains(name), "nothing has a label `{name}`: {expression}");
        }
    }
    assert_eq!(expression.matches('(').count(), expression.matches(')').count(), "{expression}");
    metrics.iter().map(|metric| metric.spec.name).collect()
}

#[test]
fn every_alert_rule_asks_for_what_there_is_and_says_what_to_do() {
    let text = fs::read_to_string(shipped("alerts.yml")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(&text).unwrap();
    let rules: Vec<&Value> = rules["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect();
    assert!(rules.len() >= 10);
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} stands there twice");
        check(rule["expr"].as_str().unwrap());
        assert!(
            ["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()),
            "{name}"
        );
        for note in ["summary", "description"] {
            assert!(rule["annotations"][note].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_nothing_else() {
    let text = fs::read_to_string(shipped("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let (mut shown, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}", panel["id"]);
        let targets = panel["targets"].as_array();
        assert_eq!(targets.is_none(), panel["type"] == "row", "{}", panel["title"]);
        for target in targets.into_iter().flatten() {
            shown.extend(check(target["expr"].as_str().unwrap()));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["query"]["query"].as_str() {
            let (metric, label) =
                query.strip_prefix("label_values(").unwrap().trim_end_matches(')').split_once(", ").unwrap();
            assert!(metrics_of(metric).len() == 1 && SCRAPED.contains(&label), "{query}");
        }
    }
    let all: BTreeSet<&str> = metrics_table().iter().map(|spec| spec.name).collect();
    assert_eq!(shown, all);
}

#[test]
fn an_expression_with_a_wrong_name_label_or_value_is_found() {
    for wrong in [
        "wayfare_nothing",
        "wayfare_commit_seconds",
        "rate(wayfare_visits_total_count[5m])",
        "wayfare_walks{outcome=\"finished\"}",
        "wayfare_walks{state=\"asleep\"}",
        "sum by (state) (rate(wayfare_visits_total[5m]))",
        "wayfare_visits_total > 1",
    ] {
        assert!(std::panic::catch_unwind(|| check(wrong)).is_err(), "{wrong}");
    }
    check("sum by (state) (wayfare_walks{state=~\"running|loading\",instance=~\"$instance\"})");
}

#[test]
fn promtool_takes_the_alert_rules_where_it_is_installed() {
    match Command::new("promtool").args(["check", "rules"]).arg(shipped("alerts.yml")).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => println!(
            "skipped: `promtool` is not on the PATH; the rules are checked against the table all the same"
        ),
    }
}
