//! The arguments of `#[walker(…)]` that decide how its walks go, and the `WalkOptions` they stand for.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::{Expr, LitStr, Path, Token, token};

use crate::errors::{Errors, set_once, unknown_argument};
use crate::values::{Number, string, variant};

/// Spellings of an order and the variants of `Order` they stand for.
const ORDERS: &[(&str, &str)] = &[
    ("breadth_first", "BreadthFirst"),
    ("depth_first", "DepthFirst"),
    ("least_cost", "LeastCost"),
    ("random", "Random"),
];

/// The same for `Unique`.
const UNIQUES: &[(&str, &str)] = &[("node", "Node"), ("edge", "Edge"), ("path", "Path"), ("none", "None")];

/// The same for `Trail`, which a number stands for too.
const TRAILS: &[(&str, &str)] = &[("off", "Off"), ("all", "All")];

/// How walks go, as it was written.
#[derive(Default)]
pub struct OptionArgs {
    /// `order = "random"`.
    pub order: Option<LitStr>,
    /// `seed = 7`.
    pub seed: Option<Expr>,
    /// `unique = "edge"`.
    pub unique: Option<LitStr>,
    /// `trail = "all"`, or `trail = 20`.
    pub trail: Option<Expr>,
    /// `chunk_size = 100`.
    pub chunk_size: Option<Expr>,
    /// `durable`, or `durable(…)`.
    pub durable: Option<DurableArgs>,
    /// `profile`.
    pub profile: Option<Path>,
    /// `blocking`.
    pub blocking: Option<Path>,
    /// `options = path`, in place of all of these.
    pub function: Option<Path>,
}

/// `durable(visits = 500, interval_ms = 50)`.
pub struct DurableArgs {
    keyword: Path,
    visits: Option<Expr>,
    interval_ms: Option<Expr>,
}

/// The keyword of an argument that stands alone; `advice` where a value is given to it.
pub fn flag(meta: &ParseNestedMeta, advice: &str) -> syn::Result<Path> {
    if meta.input.peek(Token![=]) || meta.input.peek(token::Paren) {
        return Err(syn::Error::new_spanned(
            &meta.path,
            format!("`{}` takes no value: {advice}", name(meta)),
        ));
    }
    Ok(meta.path.clone())
}

fn name(meta: &ParseNestedMeta) -> String {
    meta.path.to_token_stream().to_string()
}

impl OptionArgs {
    /// Reads `durable`, with or without its own arguments.
    pub fn read_durable(&mut self, meta: &ParseNestedMeta) -> syn::Result<()> {
        let mut read = DurableArgs { keyword: meta.path.clone(), visits: None, interval_ms: None };
        if meta.input.peek(token::Paren) {
            meta.parse_nested_meta(|inner| match () {
                () if inner.path.is_ident("visits") => {
                    set_once(&inner, &mut read.visits, inner.value()?.parse()?)
                }
                () if inner.path.is_ident("interval_ms") => {
                    set_once(&inner, &mut read.interval_ms, inner.value()?.parse()?)
                }
                () => Err(unknown_argument(&inner, "durable", &["visits", "interval_ms"])),
            })?;
        } else {
            flag(meta, "write `durable`, or `durable(visits = 1000, interval_ms = 100)`")?;
        }
        set_once(meta, &mut self.durable, read)
    }

    /// The body of `Walker::options`, `None` where the default will do.
    pub fn code(&self, errors: &mut Errors) -> Option<TokenStream> {
        let calls: Vec<TokenStream> = [
            self.order(errors),
            self.unique(errors),
            self.trail(errors),
            self.chunk_size(errors),
            self.durable.as_ref().map(|durable| durable.code(errors)),
            self.profile.as_ref().map(|_| quote!(.detailed())),
            self.blocking.as_ref().map(|_| quote!(.blocking())),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Some(function) = &self.function {
            if let Some(other) = self.decided().next() {
                errors.at(other, "`options` decides this too: say it in the function it names");
            }
            return Some(quote!(#function(self)));
        }
        let default = quote!(<::wayfare::__private::WalkOptions as ::core::default::Default>::default());
        (!calls.is_empty()).then(|| quote!(#default #(#calls)*))
    }

    /// What a function of options would decide too.
    fn decided(&self) -> impl Iterator<Item = &dyn ToTokens> {
        fn tokens<T: ToTokens>(given: Option<&T>) -> Option<&dyn ToTokens> {
            given.map(|given| given as &dyn ToTokens)
        }
        let durable = self.durable.as_ref().map(|durable| &durable.keyword);
        [
            tokens(self.order.as_ref()),
            tokens(self.unique.as_ref()),
            tokens(self.seed.as_ref()),
            tokens(self.trail.as_ref()),
            tokens(self.chunk_size.as_ref()),
            tokens(durable),
            tokens(self.profile.as_ref()),
            tokens(self.blocking.as_ref()),
        ]
        .into_iter()
        .flatten()
    }

    fn order(&self, errors: &mut Errors) -> Option<TokenStream> {
        let order = self.order.as_ref().map(|given| variant("order", given, ORDERS, "", errors));
        if let Some(seed) = &self.seed {
            Number { argument: "seed", range: 0..=u64::MAX, others: "" }.check(seed, errors);
            // An order that is unknown may have been meant as this one.
            if order.as_ref().is_none_or(|order| order.as_ref().is_some_and(|order| order != "Random")) {
                errors.at(seed, "only a random order has a seed: add `order = \"random\"`, or drop it");
            }
        }
        let order = order??;
        let seed = (order == "Random").then(|| match &self.seed {
            Some(seed) => quote!({ seed: #seed }),
            None => quote!({ seed: 0 }),
        });
        Some(quote!(.order(::wayfare::__private::Order::#order #seed)))
    }

    fn unique(&self, errors: &mut Errors) -> Option<TokenStream> {
        let unique = variant("unique", self.unique.as_ref()?, UNIQUES, "", errors)?;
        Some(quote!(.unique(::wayfare::__private::Unique::#unique)))
    }

    fn trail(&self, errors: &mut Errors) -> Option<TokenStream> {
        let given = self.trail.as_ref()?;
        if let Some(word) = string(given) {
            let others = ", or how many of the last visits to keep, as `trail = 20`";
            let trail = variant("trail", word, TRAILS, others, errors)?;
            return Some(quote!(.trail(::wayfare::__private::Trail::#trail)));
        }
        Number { argument: "trail", range: 1..=u64::MAX, others: ", or \"off\" or \"all\"" }
            .check(given, errors);
        Some(quote!(.trail(::wayfare::__private::Trail::Last(#given))))
    }

    fn chunk_size(&self, errors: &mut Errors) -> Option<TokenStream> {
        let given = self.chunk_size.as_ref()?;
        Number { argument: "chunk_size", range: 1..=u64::MAX, others: "" }.check(given, errors);
        Some(quote!(.chunk_size(#given)))
    }
}

impl DurableArgs {
    fn code(&self, errors: &mut Errors) -> TokenStream {
        if let Some(visits) = &self.visits {
            Number { argument: "visits", range: 1..=u64::from(u32::MAX), others: "" }.check(visits, errors);
        }
        if let Some(interval_ms) = &self.interval_ms {
            Number { argument: "interval_ms", range: 1..=u64::MAX, others: "" }.check(interval_ms, errors);
        }
        let visits = self.visits.as_ref().map(|visits| quote!(visits: #visits,));
        let interval = self
            .interval_ms
            .as_ref()
            .map(|interval_ms| quote!(interval: ::core::time::Duration::from_millis(#interval_ms),));
        // With both given nothing is left to the default, which clippy would remark upon.
        let rest = (visits.is_none() || interval.is_none())
            .then(|| quote!(..<::wayfare::__private::Durable as ::core::default::Default>::default()));
        quote!(.durable(::wayfare::__private::Durable { #visits #interval #rest }))
    }
}

#[cfg(test)]
mod tests {
    use crate::walker_args::WalkerArgs;

    use super::*;

    fn code(args: TokenStream) -> (String, Vec<String>) {
        let mut errors = Errors::default();
        let read = WalkerArgs::parse(args, &mut errors);
        let code = read.options.code(&mut errors).map(|code| code.to_string()).unwrap_or_default();
        (code, errors.texts())
    }

    #[test]
    fn nothing_given_takes_the_default() {
        assert_eq!(code(quote!()), (String::new(), vec![]));
        assert_eq!(code(quote!(name = "Reach", max_workers = 4)), (String::new(), vec![]));
    }

    #[test]
    fn what_is_given_is_set() {
        let cases = [
            (quote!(order = "depth_first"), "Order :: DepthFirst"),
            (quote!(order = "random"), "Order :: Random { seed : 0 }"),
            (quote!(order = "random", seed = 7), "Order :: Random { seed : 7 }"),
            (quote!(unique = "path"), "Unique :: Path"),
            (quote!(trail = "off"), "Trail :: Off"),
            (quote!(trail = 20), "Trail :: Last (20)"),
            (quote!(chunk_size = 5), ". chunk_size (5)"),
            (quote!(durable), "Durable { .. <"),
            (quote!(durable(visits = 5)), "Durable { visits : 5 , .. <"),
            (quote!(durable(visits = 5, interval_ms = 9)), "from_millis (9) , })"),
            (quote!(profile), ". detailed ()"),
            (quote!(blocking, max_workers = 4), ". blocking ()"),
            (quote!(options = Self::how, name = "Reach", max_workers = 2), "Self :: how (self)"),
        ];
        for (args, expected) in cases {
            let (code, errors) = code(args);
            assert!(code.contains(expected) && errors.is_empty(), "{code} {errors:?}");
        }
    }

    #[test]
    fn what_is_unknown_out_of_range_or_contradicts_is_one_error() {
        for args in [
            quote!(order = "depthfirst"),
            quote!(order = "randon", seed = 7),
            quote!(unique = "edges"),
            quote!(trail = "last"),
            quote!(trail = 0),
            quote!(trail = -1),
            quote!(chunk_size = 0),
            quote!(durable(visits = 0)),
            quote!(durable(interval_ms = -1)),
            quote!(seed = 7),
            quote!(order = "least_cost", seed = 7),
            quote!(order = "random", seed = "7"),
            quote!(options = Self::how, order = "depth_first"),
            quote!(options = Self::how, blocking),
            quote!(options = Self::how, trail = 3, durable, profile),
        ] {
            assert_eq!(code(args.clone()).1.len(), 1, "{args}");
        }
    }
}
