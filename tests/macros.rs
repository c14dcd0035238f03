//! What the attribute macros refuse, and the one error that says so: `.stderr` files pin it.

#[test]
fn misuse_is_one_readable_error_on_the_users_line() {
    trybuild::TestCases::new().compile_fail("tests/macros/fail/*.rs");
}
