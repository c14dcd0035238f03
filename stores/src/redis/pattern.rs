//! Patterns of keys: `*` stands for any text, `?` for any one character, everything else for itself.

/// Most stars that the server is asked to match. Its way of matching may go back and forth between them, for as long
/// as it takes, and serves nobody meanwhile.
const MAX_STARS: usize = 3;

/// Whether a pattern matches a key.
///
/// Goes back to the last star only: what a star before it has taken can stay as it is.
pub(super) fn matches(pattern: &str, key: &str) -> bool {
    let (mut pattern, mut key) = (pattern.chars(), key.chars());
    let mut star = None;
    loop {
        let (mut next_pattern, mut next_key) = (pattern.clone(), key.clone());
        match (next_pattern.next(), next_key.next()) {
            (Some('*'), _) => {
                star = Some((next_pattern.clone(), key.clone()));
                pattern = next_pattern;
                continue;
            }
            (Some(sign), Some(found)) if sign == '?' || sign == found => {
                (pattern, key) = (next_pattern, next_key);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        // The last star takes one more character.
        let Some((after_star, taken)) = &mut star else { return false };
        if taken.next().is_none() {
            return false;
        }
        (pattern, key) = (after_star.clone(), taken.clone());
    }
}

/// A pattern in the server's language which matches all names of `start` and a key that `pattern` matches, and maybe
/// more: the server knows bytes only, and no characters.
pub(super) fn for_server(start: &str, pattern: &str) -> String {
    let mut made = escaped(start);
    let mut stars = 0;
    let mut is_star = false;
    for sign in pattern.chars() {
        let was_star = is_star;
        is_star = matches!(sign, '*' | '?');
        match is_star {
            true if was_star => {}
            true => {
                made.push('*');
                stars += 1;
                if stars == MAX_STARS {
                    return made;
                }
            }
            false => push_escaped(&mut made, sign),
        }
    }
    made
}

fn escaped(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    text.chars().for_each(|sign| push_escaped(&mut made, sign));
    made
}

fn push_escaped(made: &mut String, sign: char) {
    if matches!(sign, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
        made.push('\\');
    }
    made.push(sign);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_and_all_else_is_literal() {
        for (pattern, key) in [
            ("", ""),
            ("*", ""),
            ("*", "a\nb"),
            ("a*c", "ac"),
            ("a*c", "abcbc"),
            ("*ab", "aab"),
            ("a?c", "aéc"),
            ("???", "日本語"),
            ("*a*b*", "xxaxxb"),
            ("[a-z]", "[a-z]"),
            ("\\*", "\\anything"),
            ("a**b", "ab"),
        ] {
            assert!(matches(pattern, key), "{pattern} {key}");
        }
        for (pattern, key) in [
            ("", "a"),
            ("?", ""),
            ("?", "ab"),
            ("??", "é"),
            ("[a-z]", "b"),
            ("a*c", "acb"),
            ("*ab", "aba"),
            ("\\?", "?"),
        ] {
            assert!(!matches(pattern, key), "{pattern} {key}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(512)));
    }

    #[test]
    fn the_server_is_asked_for_all_that_may_match() {
        for (pattern, made) in [
            ("user:*", "p:v:user:*"),
            ("a?*?b", "p:v:a*b"),
            ("[x]^\\", "p:v:\\[x\\]\\^\\\\"),
            ("a*b*c*d*e", "p:v:a*b*c*"),
            ("é?", "p:v:é*"),
        ] {
            assert_eq!(for_server("p:v:", pattern), made);
        }
    }
}
