//! The name that was meant, when one is given that does not exist.

/// The candidate most like `name`: the same but for case, or a slip of a few letters.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&candidate.to_lowercase(), &lower);
    let (distance, candidate) =
        candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min_by_key(|(d, _)| *d)?;
    // More than a third of the letters wrong is another word, not a slip; short names get one letter.
    (distance <= (name.chars().count() / 3).max(1)).then_some(candidate)
}

/// `: did you mean …?`, or what there is to choose from, or nothing when there is nothing.
pub(crate) fn suggestion(name: &str, candidates: &[&str]) -> String {
    /// Names beyond these are not listed.
    const SHOWN: usize = 12;
    if let Some(nearest) = nearest(name, candidates.iter().copied()) {
        return format!(": did you mean `{nearest}`?");
    }
    match candidates {
        [] => String::new(),
        names => {
            let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > SHOWN {
                format!(" and {} more", names.len() - SHOWN)
            } else {
                String::new()
            };
            format!(": there is {}{more}", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_another_word_does_not() {
        let names = ["Airport", "Route", "Country"];
        assert_eq!(nearest("airport", names), Some("Airport"));
        assert_eq!(nearest("Airprot", names), Some("Airport"));
        assert_eq!(nearest("Rout", names), Some("Route"));
        assert_eq!(nearest("Harbour", names), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn without_a_nearest_name_there_is_a_list() {
        assert_eq!(suggestion("Routes", &["Route"]), ": did you mean `Route`?");
        assert_eq!(suggestion("Harbour", &["A", "B"]), ": there is `A`, `B`");
        assert_eq!(suggestion("Harbour", &[]), "");
    }
}
