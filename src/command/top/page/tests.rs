//! The page of a made-up interval.

use serde_json::json;

use super::{head, page};
use crate::command::top::figures::{Figures, Interval};
use crate::command::top::frame::Tone;
use crate::command::top::health::Health;
use crate::command::top::summary::Summary;

fn figures(uptime: f64, visits: f64, hits: f64) -> Figures {
    let one = |name: &str, value: f64| json!({"name": name, "samples": [{"label": null, "value": value}]});
    serde_json::from_value(json!({"families": [
        {"name": "wayfare_info", "samples": [{"label": ["version", "1.2.3"], "value": 1.0}]},
        one("wayfare_uptime_seconds", uptime),
        one("wayfare_visits_total", visits),
        one("wayfare_resident_bytes", 2_097_152.0),
        {"name": "wayfare_walks", "samples": [
            {"label": ["state", "running"], "value": 3.0},
            {"label": ["state", "loading"], "value": 1.0},
        ]},
        {"name": "wayfare_cache_hits_total", "samples": [{"label": ["layer", "resident"], "value": hits}]},
        {"name": "wayfare_cache_misses_total", "samples": [{"label": ["layer", "resident"], "value": 10.0}]},
        {"name": "wayfare_workers", "samples": [{"label": ["state", "stalled"], "value": 2.0}]},
    ]}))
    .unwrap()
}

fn summary(health: serde_json::Value) -> Summary {
    let (before, after) = (figures(60.0, 0.0, 0.0), figures(62.0, 3_000.0, 100.0));
    let health: Health = serde_json::from_value(health).unwrap();
    Summary::of(&Interval::between(&before, &after), &health)
}

#[test]
fn a_page_tells_rates_ratios_and_states() {
    let summary = summary(json!({"state": "well", "parts": []}));
    let text = page(&summary).text();
    for part in [
        "health     well\n",
        "visits 1.50 k/s",
        "  now      running 3   loading 1\n",
        "working 0   stalled 2\n",
        "resident 2.0 MiB",
        "cache      resident 100.0 % of 50/s\n",
        "a commit p50 -   p99 -",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert_eq!(
        head("h:1", Some(&summary)).text(),
        "wayfare at h:1   version 1.2.3   up 1m 02s   over 2.00 s"
    );
}

#[test]
fn parts_that_are_not_well_are_named_with_their_reasons() {
    let health = json!({"state": "failed", "parts": [
        {"part": "store", "state": "well", "reason": null},
        {"part": "writer", "state": "failed", "reason": "a commit has failed"},
        {"part": "cache", "state": "impaired", "reason": null},
    ]});
    let frame = page(&summary(health));
    let text = frame.text();
    let expected = "health     failed\n           writer failed: a commit has failed\n           \
                    cache impaired: no reason told\nwalks ";
    assert!(text.starts_with(expected), "{text}");
    let tones: Vec<Tone> = frame.0.iter().take(3).map(|line| line.0[1].tone).collect();
    assert_eq!(tones, [Tone::Bad, Tone::Bad, Tone::Warning]);
}

#[test]
fn what_should_be_zero_and_is_not_stands_out() {
    let frame = page(&summary(json!({"state": "well", "parts": []})));
    let stalled =
        frame.0.iter().flat_map(|line| line.0.windows(2)).find(|pair| pair[0].text.contains("stalled"));
    assert_eq!(stalled.map(|pair| (pair[1].text.as_str(), pair[1].tone)), Some(("2", Tone::Bad)));
}
