//! From PCRE's dialect of patterns, which MongoDB speaks, to that of the `regex` crate.
//!
//! Most of the two is the same, and what the crate does not know it refuses itself. Here is what both
//! accept and read differently: `$`, `\d \w \s \b`, braces that count nothing, classes, `\Q…\E`.
//! Written after pcrepattern(3) for patterns without the option UCP.

use std::iter::Peekable;
use std::str::Chars;

/// Longest inside of a brace that counts, `65535,65535`: limits how far is looked ahead.
const MAX_COUNT_CHARS: usize = 11;

/// Longest name of a class such as `[:^xdigit:]`.
const MAX_NAME_CHARS: usize = 7;

/// Translates a pattern, given whether the options `m` and `x` are on at its start.
pub(super) fn translate(pattern: &str, multi_line: bool, extended: bool) -> Result<String, &'static str> {
    let mut translator = Translator {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
        flags: Flags { multi_line, extended },
        outer: Vec::new(),
    };
    translator.run()?;
    Ok(translator.out)
}

/// The flags that change how a pattern reads.
#[derive(Clone, Copy)]
struct Flags {
    multi_line: bool,
    extended: bool,
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
    /// The flags of the groups around, to go back to.
    outer: Vec<Flags>,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), &'static str> {
        while let Some(next) = self.rest.next() {
            match next {
                '\\' => self.escape(),
                '[' => self.class(),
                '(' => self.group()?,
                ')' => {
                    self.flags = self.outer.pop().unwrap_or(self.flags);
                    self.out.push(')');
                }
                // Without `m` it comes at the end and before a newline there.
                '$' if !self.flags.multi_line => self.out.push_str("(?:\\n?\\z)"),
                '*' | '+' | '?' => {
                    self.out.push(next);
                    self.after_quantifier()?;
                }
                '{' => self.brace()?,
                '#' if self.flags.extended => self.comment(),
                _ => self.out.push(next),
            }
        }
        Ok(())
    }

    fn take_if(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn escape(&mut self) {
        let Some(escaped) = self.rest.next() else {
            self.out.push('\\');
            return;
        };
        match escaped {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            // Ignoring case would add the long s and the Kelvin sign.
            'w' => self.out.push_str("(?-i:[0-9A-Za-z_])"),
            'W' => self.out.push_str("(?-i:[^0-9A-Za-z_])"),
            's' => self.out.push_str("[\\t-\\r\\x20]"),
            'S' => self.out.push_str("[^\\t-\\r\\x20]"),
            'b' => self.out.push_str("(?-u:\\b)"),
            'B' => self.out.push_str("(?-u:\\B)"),
            'Z' => self.out.push_str("(?:\\n?\\z)"),
            'Q' => self.quoted(),
            'E' => {}
            'x' => {
                self.out.push_str("\\x");
                self.braced();
            }
            // Upper case letters stay so whatever the case of the text.
            'p' | 'P' => {
                self.out.extend(["(?-i:\\", escaped.encode_utf8(&mut [0; 4])]);
                self.property();
                self.out.push(')');
            }
            letter if letter.is_ascii_alphanumeric() => self.out.extend(['\\', letter]),
            // The crate takes `\<` for the border of a word and refuses an escaped space.
            other => self.plain(other),
        }
    }

    /// Everything up to `\E` stands for itself.
    fn quoted(&mut self) {
        while let Some(next) = self.rest.next() {
            if next == '\\' && self.take_if('E') {
                return;
            }
            self.plain(next);
        }
    }

    /// A character that stands for itself, inside a class and outside.
    fn plain(&mut self, char: char) {
        if char.is_alphanumeric() {
            self.out.push(char);
        } else {
            // Any other may be an operator, a comment or nothing to the crate.
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(char)));
        }
    }

    fn after_quantifier(&mut self) -> Result<(), &'static str> {
        // With `x`, PCRE takes `+ ?` for `+?`, the crate for two quantifiers.
        while self.flags.extended && self.rest.next_if(|char| char.is_ascii_whitespace()).is_some() {}
        match self.rest.peek() {
            Some('+') => Err("possessive quantifiers are not supported"),
            Some('?') => {
                self.out.push('?');
                self.rest.next();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A brace counts only as `{n}`, `{n,}` or `{n,m}`; else it stands for itself.
    fn brace(&mut self) -> Result<(), &'static str> {
        let inside: String =
            self.rest.clone().take_while(|&char| char != '}').take(MAX_COUNT_CHARS).collect();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let counts = match inside.split_once(',') {
            Some((from, to)) => is_number(from) && (to.is_empty() || is_number(to)),
            None => is_number(&inside),
        };
        if !counts || self.rest.clone().nth(inside.len()) != Some('}') {
            self.out.push_str("\\{");
            return Ok(());
        }
        self.out.push('{');
        self.out.extend(self.rest.by_ref().take(inside.len() + 1));
        self.after_quantifier()
    }

    fn comment(&mut self) {
        for next in self.rest.by_ref() {
            if next == '\n' {
                break;
            }
        }
    }

    /// The start of a group, with the flags it sets for itself or for the rest of the one around.
    fn group(&mut self) -> Result<(), &'static str> {
        self.out.push('(');
        let before = self.flags;
        if self.take_if('?') {
            self.out.push('?');
            self.group_flags()?;
            if self.rest.peek() == Some(&')') {
                // `(?m)` is for the group around it, so its end goes back to nothing.
                self.outer.push(self.flags);
                return Ok(());
            }
        }
        self.outer.push(before);
        Ok(())
    }

    fn group_flags(&mut self) -> Result<(), &'static str> {
        if self.rest.peek() == Some(&'P') {
            // A name follows, not flags.
            return Ok(());
        }
        let mut on = true;
        while let Some(flag) = self.rest.next_if(|&char| char == '-' || char.is_ascii_alphabetic()) {
            match flag {
                '-' => on = false,
                'm' => self.flags.multi_line = on,
                'x' => self.flags.extended = on,
                'i' | 's' | 'U' => {}
                _ => return Err("groups of this kind are not supported"),
            }
            self.out.push(flag);
        }
        Ok(())
    }

    fn class(&mut self) {
        self.out.push('[');
        if self.take_if('^') {
            self.out.push('^');
        }
        // Whether the last thing was one character, which a range may begin with.
        let mut single = self.take_if(']');
        if single {
            self.plain(']');
        }
        while let Some(next) = self.rest.next() {
            match next {
                ']' => return self.out.push(']'),
                '[' if self.named_class() => single = false,
                '-' if single && self.range_goes_on() => {
                    self.out.push('-');
                    if let Some(end) = self.rest.next() {
                        self.class_member(end);
                    }
                    single = false;
                }
                _ => single = self.class_member(next),
            }
        }
    }

    /// One member of a class; whether it is a single character.
    fn class_member(&mut self, member: char) -> bool {
        if member != '\\' {
            self.plain(member);
            return true;
        }
        match self.rest.next() {
            Some('d') => self.out.push_str("0-9"),
            Some('D') => self.out.push_str("[^0-9]"),
            Some('w') => self.out.push_str("0-9A-Za-z_"),
            Some('W') => self.out.push_str("[^0-9A-Za-z_]"),
            Some('s') => self.out.push_str("\\t-\\r\\x20"),
            Some('S') => self.out.push_str("[^\\t-\\r\\x20]"),
            Some(property @ ('p' | 'P')) => {
                self.out.extend(['\\', property]);
                self.property();
            }
            Some('b') => return self.single("\\x08"),
            Some('x') => {
                self.out.push_str("\\x");
                self.braced();
                return true;
            }
            Some('Q') => self.quoted(),
            Some('E') => {}
            Some(letter) if letter.is_ascii_alphanumeric() => {
                self.out.extend(['\\', letter]);
                return true;
            }
            Some(other) => {
                self.plain(other);
                return true;
            }
            None => self.out.push('\\'),
        }
        false
    }

    fn single(&mut self, text: &str) -> bool {
        self.out.push_str(text);
        true
    }

    /// What follows `\p`: a letter or a name in braces.
    fn property(&mut self) {
        match self.rest.peek() {
            Some('{') => self.braced(),
            _ => self.out.extend(self.rest.next()),
        }
    }

    /// `{…}`, as it stands.
    fn braced(&mut self) {
        if self.rest.peek() == Some(&'{') {
            for next in self.rest.by_ref() {
                self.out.push(next);
                if next == '}' {
                    break;
                }
            }
        }
    }

    /// Whether what follows a `-` can end a range: no end of the class and no class.
    fn range_goes_on(&self) -> bool {
        let mut ahead = self.rest.clone();
        match ahead.next() {
            None | Some(']') => false,
            Some('\\') => !ahead.next().is_some_and(|letter| "dDwWsSpPQE".contains(letter)),
            Some('[') => ahead.next() != Some(':'),
            Some(_) => true,
        }
    }

    /// Copies a class such as `[:alpha:]`, of which the `[` has been read, if there is one.
    fn named_class(&mut self) -> bool {
        let is_name = |&char: &char| char == '^' || char.is_ascii_lowercase();
        let mut ahead = self.rest.clone();
        if ahead.next() != Some(':') {
            return false;
        }
        let name: String = ahead.take_while(is_name).take(MAX_NAME_CHARS).collect();
        let end: String = self.rest.clone().skip(1 + name.len()).take(2).collect();
        if end == ":]" {
            self.out.push('[');
            self.out.extend(self.rest.by_ref().take(name.len() + 3));
        }
        end == ":]"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_dialects_read_alike_stays() {
        for pattern in
            ["^abc.*d+?$x|(?P<n>e{2,3})", "(?i:a)[a-z][^x]", r"\x41[\p{L}]\n\A\z", "[[:alpha:][:^digit:]]"]
        {
            let expected = pattern.replace('$', r"(?:\n?\z)");
            assert_eq!(translate(pattern, false, false).unwrap(), expected);
        }
    }

    #[test]
    fn what_they_read_differently_is_rewritten() {
        for (pattern, expected) in [
            ("a$", r"a(?:\n?\z)"),
            ("(?m)a$", "(?m)a$"),
            ("(?m:a$)$", r"(?m:a$)(?:\n?\z)"),
            ("((?m)a$)$", r"((?m)a$)(?:\n?\z)"),
            (r"\d\S", r"[0-9][^\t-\r\x20]"),
            (r"\Qa.b\E.", r"a\x{2e}b."),
            (r"\<\ \/", r"\x{3c}\x{20}\x{2f}"),
            ("a{,2}{x", r"a\{,2}\{x"),
            ("[]a]", r"[\x{5d}a]"),
            ("[[a&&b]", r"[\x{5b}a\x{26}\x{26}b]"),
            ("[-a--z-]", r"[\x{2d}a-\x{2d}z\x{2d}]"),
            (r"[\w-z]", r"[0-9A-Za-z_\x{2d}z]"),
            (r"[a-\d]", r"[a\x{2d}0-9]"),
            (r"[\x41-\x{5A}\b]", r"[\x41-\x{5A}\x08]"),
        ] {
            assert_eq!(translate(pattern, false, false).unwrap(), expected, "{pattern}");
        }
        assert_eq!(translate("a # [ $\n$", false, true).unwrap(), r"a (?:\n?\z)");
        assert_eq!(translate("a+ ?", false, true).unwrap(), "a+?");
    }

    #[test]
    fn what_would_silently_differ_is_refused() {
        for pattern in ["a++", "a{2}+", "a?+", "(?R)", "(?u)a", "(?>a)x(?J)"] {
            assert!(translate(pattern, false, false).is_err(), "{pattern}");
        }
    }
}
