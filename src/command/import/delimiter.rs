//! The sign between cells: as the user names it, by the file's name, or as a guess after a failure.

/// Signs that tables are made with, in the order in which they are tried as a guess.
const USUAL: [u8; 6] = *b",|;\t :";

/// A delimiter or quote: one ASCII character that is no line break.
pub(super) type Sign = u8;

/// Reads `--delimiter`: the sign itself, `\t`, or its name.
pub(super) fn parse_delimiter(text: &str) -> Result<Sign, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        "comma" => Ok(b','),
        "semicolon" => Ok(b';'),
        "pipe" => Ok(b'|'),
        "space" => Ok(b' '),
        _ => one_sign(text).filter(|&sign| sign != b'"').ok_or_else(|| {
            "a delimiter is one ASCII character that is no quote: `,`, `|`, `;`, `\\t`, or a word: `tab`, `space`"
                .to_owned()
        }),
    }
}

/// Reads `--quote`: the sign, or `none` where quotes have no meaning.
pub(super) fn parse_quote(text: &str) -> Result<Option<Sign>, String> {
    match text {
        "none" => Ok(None),
        _ => match one_sign(text) {
            Some(sign) => Ok(Some(sign)),
            None => Err("a quote is one ASCII character, such as `'`, or `none` where cells are not quoted"
                .to_owned()),
        },
    }
}

fn one_sign(text: &str) -> Option<Sign> {
    match text.as_bytes() {
        [sign] if sign.is_ascii() && !matches!(sign, b'\n' | b'\r' | 0) => Some(*sign),
        _ => None,
    }
}

/// The delimiter of a file that none is given for, by its name without `.gz`.
pub(super) fn usual_for(name: &str) -> Sign {
    let is_tabbed = [".tsv", ".tab"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    if is_tabbed { b'\t' } else { b',' }
}

/// A delimiter, other than `current`, for which `fits` holds.
pub(super) fn guess(current: Sign, fits: impl Fn(Sign) -> bool) -> Option<Sign> {
    USUAL.into_iter().find(|&sign| sign != current && fits(sign))
}

/// A delimiter as it is written on a command line.
pub(super) fn shown(sign: Sign) -> String {
    match sign {
        b'\t' => "tab".to_owned(),
        b' ' => "space".to_owned(),
        sign => format!("'{}'", char::from(sign)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_signs_or_words() {
        for (text, sign) in [
            (",", b','),
            ("|", b'|'),
            (";", b';'),
            ("\\t", b'\t'),
            ("\t", b'\t'),
            ("tab", b'\t'),
            (" ", b' '),
        ] {
            assert_eq!(parse_delimiter(text), Ok(sign), "{text:?}");
        }
        for text in ["", ",,", "é", "\n", "\"", "tabs"] {
            assert!(parse_delimiter(text).unwrap_err().contains("`tab`"), "{text:?}");
        }
        assert_eq!(parse_quote("none"), Ok(None));
        assert_eq!(parse_quote("'"), Ok(Some(b'\'')));
        assert!(parse_quote("\"\"").is_err());
    }

    #[test]
    fn the_name_of_a_file_tells_its_delimiter() {
        assert_eq!(usual_for("a/b.tsv"), b'\t');
        assert_eq!(usual_for("a/b.TAB"), b'\t');
        assert_eq!(usual_for("a/b.csv"), b',');
        assert_eq!(usual_for("-"), b',');
    }

    #[test]
    fn a_guess_is_another_sign_that_fits() {
        assert_eq!(guess(b',', |sign| "a|b".as_bytes().contains(&sign)), Some(b'|'));
        assert_eq!(guess(b'|', |sign| "a|b".as_bytes().contains(&sign)), None);
    }
}
