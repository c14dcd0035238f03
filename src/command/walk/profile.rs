//! What a walk cost, as a table.

use serde_json::{Map, Value};

use crate::command::output;

/// Members of a detailed profile, and what stands above them in the table.
const LISTS: [(&str, &str); 3] =
    [("hooks", "by hook"), ("entities", "by entity"), ("hot_nodes", "hot nodes")];

/// Takes the details out of the profile in a result, which is the same with them and without; gives the
/// whole profile as tables.
pub(super) fn taken_from(result: &mut Value) -> Option<String> {
    let profile = result.get_mut("profile")?.as_object_mut()?;
    let detail = profile.shift_remove("detail")?;
    let mut told: Map<String, Value> = profile.clone();
    for (member, heading) in LISTS {
        // An empty list has no columns; it would stand among the figures.
        let list = detail.get(member).filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
        told.extend(list.map(|list| (heading.to_owned(), list.clone())));
    }
    Some(output::as_table(&told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn details_leave_the_result_and_stand_in_the_table() {
        let line = json!([{"name": "node", "count": 2, "time_us": 7}]);
        let detail = json!({"hooks": line, "entities": [], "hot_nodes": []});
        let mut result = json!({"visited": 2, "profile": {"visits": 2, "bytes": 9, "detail": detail}});
        let table = taken_from(&mut result).unwrap();
        assert_eq!(result, json!({"visited": 2, "profile": {"visits": 2, "bytes": 9}}));
        assert_eq!(table, "visits  2\nbytes   9\n\nby hook\nname  count  time_us\nnode  2      7\n");
        assert_eq!(taken_from(&mut result), None);
    }
}
