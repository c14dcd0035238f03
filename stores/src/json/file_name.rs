//! The names of files: ids, but for the few signs that a file name cannot hold.

use wayfare_graph::Id;

/// What comes after the id.
const ENDING: &str = ".json";

/// Longest name that is not cut: most file systems take 255 bytes.
const MAX_NAME_BYTES: usize = 250;

/// How much of a name that is cut is kept before its hash.
const CUT_BYTES: usize = 200;

/// Digits of the hash.
const HASH_DIGITS: usize = 16;

/// The name of an entity's file.
///
/// It is the id and `.json`, as jvspatial has it, with `/`, `\` and `%` written as `%` and two hex digits. A name that
/// would be too long ends with a hash instead, and so does one that looks as if it did; who reads it finds the id in the
/// file.
pub(super) fn file_name(id: &Id) -> String {
    let id = id.to_string();
    let mut name = String::with_capacity(id.len() + ENDING.len());
    for sign in id.chars() {
        match sign {
            '/' => name.push_str("%2F"),
            '\\' => name.push_str("%5C"),
            '%' => name.push_str("%25"),
            sign => name.push(sign),
        }
    }
    if name.len() + ENDING.len() > MAX_NAME_BYTES || has_hash(&name) {
        let mut cut = CUT_BYTES.min(name.len());
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        name.truncate(cut);
        name.push_str(&format!("~{:016x}", fnv(id.as_bytes())));
    }
    name.push_str(ENDING);
    name
}

/// The id whose file has this name, `None` when there is none or only the file itself can tell.
pub(super) fn id_of(name: &str) -> Option<Id> {
    let text = name.strip_suffix(ENDING).filter(|text| !has_hash(text))?;
    let text = text.replace("%2F", "/").replace("%5C", "\\").replace("%25", "%");
    let id = text.parse().ok()?;
    (file_name(&id) == name).then_some(id)
}

/// Whether a name was cut, so that the id is found in the file only.
pub(super) fn is_cut(name: &str) -> bool {
    name.strip_suffix(ENDING).is_some_and(has_hash)
}

fn has_hash(name: &str) -> bool {
    let hash = name.rsplit_once('~').map_or("", |(_, hash)| hash);
    // Four bytes are the most that may be missing to a whole sign.
    let is_long = name.len() > CUT_BYTES - 4 + HASH_DIGITS;
    is_long && hash.len() == HASH_DIGITS && hash.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a name is one of a document's file.
pub(super) fn is_document(name: &str) -> bool {
    name.ends_with(ENDING)
}

/// The hash FNV-1a (Fowler, Noll and Vo): the same in every release, which the standard library's is not.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ids_and_lead_back_to_them() {
        for (id, name) in [
            ("n.City.d400618fa5094d6b9c223223", "n.City.d400618fa5094d6b9c223223.json"),
            ("n.Root.root", "n.Root.root.json"),
            ("e.Route.a/b c.d", "e.Route.a%2Fb c.d.json"),
            ("n.City.50%", "n.City.50%25.json"),
            ("n.City.%2F", "n.City.%252F.json"),
            ("n.City...\\..\\x", "n.City...%5C..%5Cx.json"),
            ("w.Reach.é", "w.Reach.é.json"),
        ] {
            let id: Id = id.parse().unwrap();
            assert_eq!(file_name(&id), name);
            assert_eq!(id_of(name), Some(id), "{name}");
        }
    }

    #[test]
    fn long_names_stay_apart_and_fit() {
        let names: Vec<String> = ["/", "\\", "%", "é"]
            .iter()
            .flat_map(|sign| [1, 2].map(|last| format!("n.City.{}{last}", sign.repeat(120 / sign.len()))))
            .map(|id| file_name(&id.parse().unwrap()))
            .collect();
        assert!(names.iter().all(|name| name.len() <= 255 && !name.contains('/')));
        let mut unique = names.clone();
        unique.dedup();
        assert_eq!(unique, names);
    }

    #[test]
    fn a_name_that_was_cut_names_no_id_and_no_other_id_has_it() {
        let long: Id = format!("w.Walk.{}", "/".repeat(100)).parse().unwrap();
        let name = file_name(&long);
        assert!(is_cut(&name));
        assert_eq!(id_of(&name), None);
        // What the name of its file would be read as.
        let alike: Id = name.strip_suffix(".json").unwrap().replace("%2F", "/").parse().unwrap();
        assert_ne!(file_name(&alike), name);
        assert!(is_cut(&file_name(&alike)));
        assert!(!is_cut("n.City.a~7268e4a73e1eb6b5.json"), "a short name is whole");
    }

    #[test]
    fn what_is_no_canonical_name_names_no_id() {
        for name in
            ["README.json", "n.City.a", "n.City.a.json.tmp", "n.City.50%.json", "n.City.%2f.json", ".json"]
        {
            assert_eq!(id_of(name), None, "{name}");
        }
    }
}
