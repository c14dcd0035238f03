//! Lines of the table.

use super::line::BenchLine;

#[test]
fn a_budget_is_met_up_to_itself_and_none_is_neither_met_nor_missed() {
    let line = BenchLine::times("x", 100.0, 150.0, 1.5, "ns");
    assert_eq!((line.ratio, line.is_met()), (1.5, Some(true)));
    assert_eq!(BenchLine::times("x", 100.0, 151.0, 1.5, "ns").is_met(), Some(false));
    assert_eq!(BenchLine::bound("x", 50.0, 60.0, "us").is_met(), Some(false));
    assert_eq!(BenchLine::compared("x", 1.0, 9.0, "us").is_met(), None);
}
