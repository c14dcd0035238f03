//! Errors on the user's own lines: collected, so that one build shows them all.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::meta::ParseNestedMeta;

/// Errors of one macro call.
#[derive(Default)]
pub struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error on the given tokens.
    pub fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error.
    pub fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value, or `None` after adding the error.
    pub fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Code that reports the errors, `None` when there are none.
    pub fn into_code(self) -> Option<TokenStream> {
        self.0.map(|error| error.to_compile_error())
    }

    /// The errors as one.
    pub fn into_error(self) -> Option<syn::Error> {
        self.0
    }

    /// The text of the errors, for tests of the parsing helpers.
    #[cfg(test)]
    pub fn texts(self) -> Vec<String> {
        self.0.into_iter().flatten().map(|error| error.to_string()).collect()
    }
}

/// The location of `span` with the macro's own name resolution.
///
/// Errors in generated code then point at the user's line, while names mean what the macro means
/// also where the annotated item was itself written by a macro.
pub fn located(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

/// Fills an argument that may be given once.
pub fn set_once<T>(meta: &ParseNestedMeta, place: &mut Option<T>, value: T) -> syn::Result<()> {
    if place.replace(value).is_some() {
        return Err(meta.error(format!("`{}` is given twice", name_of(meta))));
    }
    Ok(())
}

/// The error for an argument that is none of those which `taker` takes.
pub fn unknown_argument(meta: &ParseNestedMeta, taker: &str, known: &[&str]) -> syn::Error {
    let found = name_of(meta);
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(&found, known) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    meta.error(format!("unknown argument `{found}`: {hint}`{taker}` takes {list}"))
}

/// The known name that was probably meant, if one is near enough to be a slip of the fingers.
pub fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase());
    let best = known.iter().copied().min_by_key(|name| distance(name))?;
    // A third of the letters wrong is a slip, more is another word.
    (distance(best) <= (best.len().max(found.len()) / 3).max(1)).then_some(best)
}

fn name_of(meta: &ParseNestedMeta) -> String {
    meta.path.to_token_stream().to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_finds_its_name_and_another_word_does_not() {
        let known = ["name", "order", "unique", "options"];
        assert_eq!(nearest("nmae", &known), Some("name"));
        assert_eq!(nearest("Order", &known), Some("order"));
        assert_eq!(nearest("option", &known), Some("options"));
        assert_eq!(nearest("limits", &known), None);
    }

    #[test]
    fn collected_errors_are_all_reported() {
        let mut errors = Errors::default();
        errors.push(syn::Error::new(Span::call_site(), "one"));
        errors.push(syn::Error::new(Span::call_site(), "two"));
        assert_eq!(errors.texts(), ["one", "two"]);
    }
}
