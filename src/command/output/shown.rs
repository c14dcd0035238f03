//! Values as text in a cell.

use serde_json::Value;

/// Longest text of a cell in a list for people, in characters.
const CELL_CHARS: usize = 80;

/// A value in CSV: text as it is, nothing for null, anything else as compact JSON.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value in a list for people: like [`compact`], cut where it is long.
pub(super) fn shortened(value: &Value) -> String {
    let text = compact(value);
    let cut = text.char_indices().nth(CELL_CHARS).map(|(at, _)| at);
    printable(&cut.map_or_else(|| text.clone(), |at| format!("{}…", &text[..at])))
}

/// A value of a single result for people: lists of numbers on one line, other lists one element a line.
pub(super) fn figure(value: &Value) -> String {
    let Value::Array(elements) = value else { return printable(&compact(value)) };
    let in_line = |element: &Value| match element {
        Value::Array(parts) => parts.iter().map(compact).collect::<Vec<_>>().join(" "),
        other => compact(other),
    };
    let separator =
        if elements.iter().all(|element| element.is_number() || element.is_boolean()) { " " } else { "\n" };
    let lines: Vec<String> = elements.iter().map(|element| printable(&in_line(element))).collect();
    lines.join(separator)
}

/// Text that cannot move the cursor or colour the terminal: control characters are escaped.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_of_numbers_stay_on_a_line_and_lists_of_ids_do_not() {
        assert_eq!(figure(&json!([1, 3, 9])), "1 3 9");
        assert_eq!(figure(&json!(["n.A.x", "n.A.y"])), "n.A.x\nn.A.y");
        assert_eq!(figure(&json!([["n.A.x", 2], ["n.A.y", 1]])), "n.A.x 2\nn.A.y 1");
        assert_eq!(figure(&json!(null)), "");
    }

    #[test]
    fn long_cells_are_cut_and_controls_escaped() {
        assert_eq!(shortened(&json!("ä".repeat(200))).chars().count(), CELL_CHARS + 1);
        assert_eq!(shortened(&json!("a\u{1b}[31m\nb")), "a\\u{1b}[31m\\nb");
        assert_eq!(compact(&json!({"a": [1]})), r#"{"a":[1]}"#);
    }
}
