//! US flights: where one stop leads.

use serde_json::json;
use wayfare::Direction;

use super::{Asking, FAMILY};

pub async fn ask(asking: &mut Asking<'_>) {
    const QUESTION: &str = "one_stop_destinations_not_reachable_direct";
    for (airport, expected) in asking.expected(QUESTION).as_object().unwrap() {
        let levels = asking.levels(&asking.subject.id(&json!(airport)), &["flight"], Direction::Out).await;
        let found = levels.get(2).map_or(0, Vec::len);
        asking.check.same(FAMILY, QUESTION, airport, expected, &json!(found));
    }
}
