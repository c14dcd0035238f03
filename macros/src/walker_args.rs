//! The arguments of `#[walker(…)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::{LitStr, Path};

use crate::errors::{Errors, nearest, set_once, unknown_argument};

/// Spellings of an order and the variants of `Order` they stand for.
const ORDERS: &[(&str, &str)] =
    &[("breadth_first", "BreadthFirst"), ("depth_first", "DepthFirst"), ("least_cost", "LeastCost")];

/// The same for `Unique`.
const UNIQUES: &[(&str, &str)] = &[("node", "Node"), ("none", "None")];

/// What stands in the parentheses.
#[derive(Default)]
pub struct WalkerArgs {
    /// `name = "X"`.
    pub name: Option<LitStr>,
    order: Option<LitStr>,
    unique: Option<LitStr>,
    options: Option<Path>,
}

impl WalkerArgs {
    /// Parses the arguments; those before the first error are kept.
    pub fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        let parser = syn::meta::parser(|meta| match () {
            () if meta.path.is_ident("name") => set_once(&meta, &mut read.name, meta.value()?.parse()?),
            () if meta.path.is_ident("order") => set_once(&meta, &mut read.order, meta.value()?.parse()?),
            () if meta.path.is_ident("unique") => set_once(&meta, &mut read.unique, meta.value()?.parse()?),
            () if meta.path.is_ident("options") => set_once(&meta, &mut read.options, meta.value()?.parse()?),
            () => Err(unknown_argument(&meta, "#[walker]", &["name", "order", "unique", "options"])),
        });
        errors.keep(parser.parse2(args));
        read
    }

    /// The body of `Walker::options`, `None` where the default will do.
    pub fn options(&self, errors: &mut Errors) -> Option<TokenStream> {
        let order = self.order.as_ref().and_then(|given| variant("order", given, ORDERS, errors));
        let unique = self.unique.as_ref().and_then(|given| variant("unique", given, UNIQUES, errors));
        if let Some(options) = &self.options {
            if let Some(other) = self.order.as_ref().or(self.unique.as_ref()) {
                errors.at(other, "`options` decides this too: say it in the function it names");
            }
            return Some(quote!(#options(self)));
        }
        if order.is_none() && unique.is_none() {
            return None;
        }
        let order = order.map(|order| quote!(.order(::wayfare::__private::Order::#order)));
        let unique = unique.map(|unique| quote!(.unique(::wayfare::__private::Unique::#unique)));
        let default = quote!(<::wayfare::__private::WalkOptions as ::core::default::Default>::default());
        Some(quote!(#default #order #unique))
    }
}

fn variant(
    argument: &str,
    given: &LitStr,
    known: &[(&str, &str)],
    errors: &mut Errors,
) -> Option<proc_macro2::Ident> {
    let value = given.value();
    if let Some((_, variant)) = known.iter().find(|(name, _)| *name == value) {
        return Some(format_ident!("{variant}"));
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let hint = nearest(&value, &names).map(|near| format!("did you mean \"{near}\"? ")).unwrap_or_default();
    errors.at(given, format!("unknown value \"{}\": {hint}`{argument}` takes {list}", value.escape_debug()));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: TokenStream) -> (Option<String>, Vec<String>) {
        let mut errors = Errors::default();
        let read = WalkerArgs::parse(args, &mut errors);
        let options = read.options(&mut errors).map(|code| code.to_string());
        (options, errors.texts())
    }

    #[test]
    fn nothing_given_takes_the_default() {
        assert_eq!(options(quote!()), (None, vec![]));
        assert_eq!(options(quote!(name = "Reach")), (None, vec![]));
    }

    #[test]
    fn order_and_uniqueness_are_set() {
        let (code, errors) = options(quote!(order = "depth_first", unique = "none"));
        let code = code.unwrap();
        assert!(code.contains("Order :: DepthFirst") && code.contains("Unique :: None"), "{code}");
        assert!(errors.is_empty());
    }

    #[test]
    fn what_is_unknown_or_contradicts_is_refused() {
        for args in [
            quote!(order = "depthfirst"),
            quote!(unique = "edge"),
            quote!(odrer = "depth_first"),
            quote!(options = Self::how, order = "depth_first"),
            quote!(order = "depth_first", order = "depth_first"),
        ] {
            assert_eq!(options(args.clone()).1.len(), 1, "{args}");
        }
    }
}
