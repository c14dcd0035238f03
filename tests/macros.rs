//! The attribute macros: what they accept runs, what they refuse is pinned by `.stderr` files.

#[test]
fn accepted_forms_compile_and_behave() {
    trybuild::TestCases::new().pass("tests/macros/pass/*.rs");
}

#[test]
fn misuse_is_one_readable_error_on_the_users_line() {
    trybuild::TestCases::new().compile_fail("tests/macros/fail/*.rs");
}
