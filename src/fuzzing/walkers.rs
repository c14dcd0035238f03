//! Arguments of walkers as messages hold them.

use serde_json::Value;
use wayfare_graph::WalkerType;

/// A walker's name, and behind a line break its arguments: what is made of them is stored and made again.
pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (name, arguments) = text.split_once('\n').unwrap_or((text, "{}"));
    let Some(make) = WalkerType::find(name).and_then(|walker| (walker.make)()) else { return };
    let Ok(arguments) = serde_json::from_str::<Value>(arguments) else { return };
    let walker = match make(arguments) {
        Ok(walker) => walker,
        Err(reason) => return assert!(!reason.is_empty()),
    };
    assert_eq!(walker.name(), name);
    let _ = walker.options();
    let Some(state) = walker.state() else { return };
    let again =
        make(state.clone()).unwrap_or_else(|reason| panic!("the state of `{name}` is refused: {reason}"));
    assert_eq!(again.state(), Some(state));
}
