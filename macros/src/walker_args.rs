//! The arguments of `#[walker(…)]`.

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::{Expr, LitStr};

use crate::errors::{Errors, set_once, unknown_argument};
use crate::hooks::Visits;
use crate::options_args::{OptionArgs, flag};
use crate::values::Number;

const KNOWN: &[&str] = &[
    "name",
    "order",
    "seed",
    "unique",
    "trail",
    "chunk_size",
    "durable",
    "profile",
    "blocking",
    "options",
    "max_workers",
];

/// Enough for every machine, and few enough for a batch of visits to be held at once.
const MAX_WORKERS: u64 = 4096;

/// What stands in the parentheses.
#[derive(Default)]
pub struct WalkerArgs {
    /// `name = "X"`.
    pub name: Option<LitStr>,
    /// `max_workers = 4`.
    pub max_workers: Option<Expr>,
    /// What decides how walks go.
    pub options: OptionArgs,
    /// An error kept the rest from being read.
    incomplete: bool,
}

impl WalkerArgs {
    /// Parses the arguments; those before the first error are kept.
    pub fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        let options = &mut read.options;
        let parser = syn::meta::parser(|meta| match () {
            () if meta.path.is_ident("name") => set_once(&meta, &mut read.name, meta.value()?.parse()?),
            () if meta.path.is_ident("order") => set_once(&meta, &mut options.order, meta.value()?.parse()?),
            () if meta.path.is_ident("seed") => set_once(&meta, &mut options.seed, meta.value()?.parse()?),
            () if meta.path.is_ident("unique") => {
                set_once(&meta, &mut options.unique, meta.value()?.parse()?)
            }
            () if meta.path.is_ident("trail") => set_once(&meta, &mut options.trail, meta.value()?.parse()?),
            () if meta.path.is_ident("chunk_size") => {
                set_once(&meta, &mut options.chunk_size, meta.value()?.parse()?)
            }
            () if meta.path.is_ident("durable") => options.read_durable(&meta),
            () if meta.path.is_ident("profile") => {
                let profile = flag(&meta, "write `profile` alone, or leave it out")?;
                set_once(&meta, &mut options.profile, profile)
            }
            () if meta.path.is_ident("blocking") => {
                let blocking = flag(&meta, "write `blocking` alone, or leave it out")?;
                set_once(&meta, &mut options.blocking, blocking)
            }
            () if meta.path.is_ident("options") => {
                set_once(&meta, &mut options.function, meta.value()?.parse()?)
            }
            () if meta.path.is_ident("max_workers") => {
                set_once(&meta, &mut read.max_workers, meta.value()?.parse()?)
            }
            () => Err(unknown_argument(&meta, "#[walker]", KNOWN)),
        });
        let parsed = parser.parse2(args);
        read.incomplete = parsed.is_err();
        errors.keep(parsed);
        if let Some(given) = &read.max_workers {
            Number { argument: "max_workers", range: 1..=MAX_WORKERS, others: "" }.check(given, errors);
        }
        read
    }

    /// Whether visits run at the same time.
    pub fn visits(&self) -> Visits {
        match &self.max_workers {
            Some(_) => Visits::AtOnce,
            None if self.incomplete => Visits::Unknown,
            None => Visits::InTurn,
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn parse(args: TokenStream) -> (WalkerArgs, Vec<String>) {
        let mut errors = Errors::default();
        let read = WalkerArgs::parse(args, &mut errors);
        (read, errors.texts())
    }

    #[test]
    fn every_argument_is_read() {
        let (read, errors) = parse(quote!(
            name = "Reach",
            order = "random",
            seed = 7,
            unique = "edge",
            trail = 20,
            chunk_size = Self::CHUNK,
            durable(visits = 500, interval_ms = 50),
            profile,
            blocking,
            max_workers = 4
        ));
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(read.name.as_ref().map(LitStr::value).as_deref(), Some("Reach"));
        assert_eq!(read.visits(), Visits::AtOnce);
        assert_eq!(parse(quote!(name = "Reach")).0.visits(), Visits::InTurn);
    }

    #[test]
    fn what_is_unknown_twice_or_of_the_wrong_form_is_one_error() {
        for args in [
            quote!(odrer = "depth_first"),
            quote!(order = "depth_first", order = "depth_first"),
            quote!(profile, profile),
            quote!(durable, durable(visits = 1)),
            quote!(profile = true),
            quote!(blocking = true),
            quote!(blocking, blocking),
            quote!(durable = true),
            quote!(durable(interval = 1)),
            quote!(max_workers),
            quote!(max_workers = 0),
            quote!(max_workers = 5000),
            quote!(max_workers = "4"),
        ] {
            assert_eq!(parse(args.clone()).1.len(), 1, "{args}");
        }
    }

    #[test]
    fn arguments_that_could_not_be_read_leave_open_how_visits_run() {
        assert_eq!(parse(quote!(odrer = "least_cost", max_workers = 4)).0.visits(), Visits::Unknown);
        assert_eq!(parse(quote!(max_workers = 4, odrer = "least_cost")).0.visits(), Visits::AtOnce);
    }
}
