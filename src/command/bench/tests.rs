//! Lines of the table. Not in their own file, which `benches/budgets` has as well, where there are no tests.

use std::time::Duration;

use super::fault::BenchError;
use super::line::{Line, both_in_turn, short};

#[test]
fn a_budget_is_met_up_to_itself_and_none_is_neither_met_nor_missed() {
    let line = Line::times("x", 100.0, 150.0, 1.5, "ns");
    assert_eq!((line.ratio, line.is_met()), (1.5, Some(true)));
    assert_eq!(Line::times("x", 100.0, 151.0, 1.5, "ns").is_met(), Some(false));
    assert_eq!(Line::bound("x", 50.0, 60.0, "us").is_met(), Some(false));
    assert_eq!(Line::compared("x", 1.0, 9.0, "us").is_met(), None);
}

#[test]
fn medians_are_taken_of_runs_in_turn_and_the_first_error_ends_them() {
    let order = std::cell::RefCell::new(Vec::new());
    let run = |name: &'static str, ms: &'static [u64]| {
        let mut times = ms.iter().copied();
        let order = &order;
        move || {
            order.borrow_mut().push(name);
            let unsaid = || BenchError::Differs { work: name, ours: String::new(), rival: String::new() };
            times.next().map(Duration::from_millis).ok_or_else(unsaid)
        }
    };
    let medians = both_in_turn(3, run("rival", &[9, 1, 5]), run("ours", &[20, 30, 10]));
    assert_eq!(medians.unwrap(), (0.005, 0.02));
    assert_eq!(order.borrow()[..4], ["rival", "ours", "rival", "ours"]);
    let failed = both_in_turn(2, run("rival", &[1, 1]), run("ours", &[1]));
    assert!(matches!(failed, Err(BenchError::Differs { work: "ours", .. })), "{failed:?}");
}

#[test]
fn numbers_are_short_where_nothing_is_lost() {
    assert_eq!([1_000_000, 1_600_000, 200_000, 2_500, 0].map(short), ["1 M", "1600 k", "200 k", "2500", "0"]);
}
