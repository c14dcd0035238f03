//! Values of arguments: words of a list, and whole numbers.

use std::ops::RangeInclusive;

use proc_macro2::Ident;
use quote::format_ident;
use syn::{Expr, Lit, LitStr, UnOp};

use crate::errors::{Errors, nearest};

/// A whole number that an argument takes.
pub struct Number {
    /// The argument.
    pub argument: &'static str,
    /// What it may be; literals are held to it.
    pub range: RangeInclusive<u64>,
    /// What it may be beside a number, for the error.
    pub others: &'static str,
}

impl Number {
    /// Checks as much of an expression as can be seen here; a path is left to the compiler.
    pub fn check(&self, given: &Expr, errors: &mut Errors) {
        let literal = match bare(given) {
            Expr::Lit(literal) => &literal.lit,
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => return self.refuse(given, errors),
            _ => return,
        };
        let fits = matches!(literal, Lit::Int(number)
            if number.base10_parse::<u64>().is_ok_and(|number| self.range.contains(&number)));
        if !fits {
            self.refuse(given, errors);
        }
    }

    fn refuse(&self, given: &Expr, errors: &mut Errors) {
        let Self { argument, others, .. } = self;
        let least = self.range.start();
        let message = match *self.range.end() {
            u64::MAX if *least == 0 => format!("`{argument}` takes a whole number{others}"),
            u64::MAX => format!("`{argument}` takes a whole number, at least {least}{others}"),
            most => format!("`{argument}` takes a whole number from {least} to {most}{others}"),
        };
        errors.at(given, message);
    }
}

/// The variant that a word stands for; `known` has words with their variants.
pub fn variant(
    argument: &str,
    given: &LitStr,
    known: &[(&str, &str)],
    others: &str,
    errors: &mut Errors,
) -> Option<Ident> {
    let value = given.value();
    if let Some((_, variant)) = known.iter().find(|(name, _)| *name == value) {
        return Some(format_ident!("{variant}"));
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let hint = nearest(&value, &names).map(|near| format!("did you mean \"{near}\"? ")).unwrap_or_default();
    let value = value.escape_debug();
    errors.at(given, format!("unknown value \"{value}\": {hint}`{argument}` takes {list}{others}"));
    None
}

/// The string, if the expression is one.
pub fn string(given: &Expr) -> Option<&LitStr> {
    match bare(given) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(string) => Some(string),
            _ => None,
        },
        _ => None,
    }
}

/// The expression without the invisible groups that `macro_rules` puts around it.
fn bare(mut given: &Expr) -> &Expr {
    loop {
        given = match given {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            bare => return bare,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors_of(range: RangeInclusive<u64>, given: &Expr) -> Vec<String> {
        let mut errors = Errors::default();
        Number { argument: "chunk_size", range, others: "" }.check(given, &mut errors);
        errors.texts()
    }

    #[test]
    fn literals_are_held_to_the_range_and_paths_are_not() {
        let good: [Expr; 4] = [
            syn::parse_quote!(4),
            syn::parse_quote!(4_096usize),
            syn::parse_quote!(Self::WORKERS),
            syn::parse_quote!((2 * 3)),
        ];
        for given in good {
            assert_eq!(errors_of(1..=4096, &given), Vec::<String>::new());
        }
        let bad: [Expr; 6] = [
            syn::parse_quote!(0),
            syn::parse_quote!(4097),
            syn::parse_quote!(-1),
            syn::parse_quote!("4"),
            syn::parse_quote!(1.5),
            syn::parse_quote!(true),
        ];
        for given in bad {
            assert_eq!(errors_of(1..=4096, &given), ["`chunk_size` takes a whole number from 1 to 4096"]);
        }
        let zero = syn::parse_quote!(0);
        assert_eq!(errors_of(1..=u64::MAX, &zero), ["`chunk_size` takes a whole number, at least 1"]);
        assert!(errors_of(0..=u64::MAX, &zero).is_empty());
    }
}
