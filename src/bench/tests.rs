//! How times are taken. Not in the file of that, which `benches/budgets` has as well, where there are no tests.

use std::time::Duration;

use wayfare::__private::BenchError;

use super::timing::{both_in_turn, short};

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
