//! Paths of `--sort` and `--project`, where a bare name is a field of `context`.

use wayfare::{Kind, SortKey};

/// Reads `f:-1,g:1`; without a number, smallest first.
pub(crate) fn parse_sort(text: &str, kind: Kind) -> Result<Vec<SortKey>, String> {
    text.split(',').map(|key| parse_sort_key(key, kind)).collect()
}

fn parse_sort_key(text: &str, kind: Kind) -> Result<SortKey, String> {
    let (path, order) = text.rsplit_once(':').unwrap_or((text, "1"));
    let descending = match order {
        "1" | "+1" | "asc" => false,
        "-1" | "desc" => true,
        _ => {
            return Err(format!(
                "`{text}` is no sort key: write `FIELD:1` for smallest first or `FIELD:-1` for largest first"
            ));
        }
    };
    Ok(SortKey { path: parse_path(path, kind)?, descending })
}

/// Reads `a,b`.
pub(crate) fn parse_projection(text: &str, kind: Kind) -> Result<Vec<String>, String> {
    text.split(',').map(|path| parse_path(path, kind)).collect()
}

/// The path as filters write it.
pub(crate) fn parse_path(text: &str, kind: Kind) -> Result<String, String> {
    if text.is_empty() {
        return Err(
            "a field's name is missing: write `name` or `context.name`, separated by commas".to_owned()
        );
    }
    let is_member = match text {
        "id" | "_id" | "entity" | "_version" | "context" => true,
        // Only edges have these beside their fields.
        "source" | "target" | "bidirectional" => kind == Kind::Edge,
        _ => text.starts_with("context."),
    };
    Ok(if is_member { text.to_owned() } else { format!("context.{text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_names_are_fields_and_members_are_themselves() {
        let path = |text: &str, kind| parse_path(text, kind).unwrap();
        assert_eq!(path("name", Kind::Node), "context.name");
        assert_eq!(path("address.city", Kind::Node), "context.address.city");
        assert_eq!(path("context.name", Kind::Node), "context.name");
        assert_eq!(path("id", Kind::Node), "id");
        assert_eq!(path("source", Kind::Edge), "source");
        assert_eq!(path("source", Kind::Node), "context.source");
    }

    #[test]
    fn sort_keys_have_a_direction_and_may_hold_colons() {
        let keys = parse_sort("runways:int:-1,code:1,name", Kind::Node).unwrap();
        let keys: Vec<_> = keys.iter().map(|key| (key.path.as_str(), key.descending)).collect();
        assert_eq!(keys, [("context.runways:int", true), ("context.code", false), ("context.name", false)]);
        assert!(parse_sort("name:2", Kind::Node).unwrap_err().contains("FIELD:-1"));
        assert!(parse_sort("name:-1,", Kind::Node).is_err());
        assert!(parse_projection("a,,b", Kind::Node).is_err());
    }
}
