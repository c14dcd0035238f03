//! `#[walker]`: from the annotated impl block to a walker.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemImpl};

use crate::errors::Errors;
use crate::hooks::{self, Hooks, Target};
use crate::impl_block;
use crate::name::checked_name;
use crate::walker_args::WalkerArgs;
use crate::walker_code::{Walker, implementation};

/// Expands the attribute; errors come with the item, so that its other uses still compile.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = WalkerArgs::parse(args, &mut errors);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(item)) => expand_impl(&args, item, errors),
        Ok(other) => {
            let message = "put `#[walker]` on the impl block that holds the hooks";
            impl_block::misplaced(message, &other, &mut errors);
            let report = errors.into_code();
            quote!(#item #report)
        }
        Err(error) => error.to_compile_error(),
    }
}

fn expand_impl(args: &WalkerArgs, mut item: ItemImpl, mut errors: Errors) -> TokenStream {
    let hooks = hooks::take(&mut item, args.visits(), &mut errors);
    if let Some((path, _)) = &item.trait_ {
        let message = "put `#[walker]` on an impl block of the struct itself, not on that of a trait";
        errors = Errors::default();
        errors.at(path, message);
    }
    let ident = impl_block::type_name(&item.self_ty);
    if ident.is_none() {
        errors.at(&item.self_ty, "a walker is a struct: write `#[walker] impl Name { … }`");
    }
    let name = ident.map(|ident| checked_name(args.name.as_ref(), ident, &mut errors));
    let options = args.options.code(&mut errors);
    check_workers(args, &hooks, &mut errors);
    let report = errors.into_code();
    let (Some(name), None) = (name, &report) else {
        return quote!(#item #report);
    };
    let max_workers = args.max_workers.as_ref();
    let implementation = implementation(&Walker { item: &item, name, options, max_workers, hooks: &hooks });
    quote!(#item #implementation)
}

/// Refuses workers without work. A visit hook with an error of its own is not among the hooks.
fn check_workers(args: &WalkerArgs, hooks: &Hooks, errors: &mut Errors) {
    let visits = hooks.hooks.iter().any(|hook| matches!(hook.target, Target::Visit(_)));
    if let Some(max_workers) = args.max_workers.as_ref().filter(|_| !visits && errors.is_empty()) {
        let message = "no visits to run at the same time: mark a method with `#[on_visit]`, \
                       or drop `max_workers`";
        errors.at(max_workers, message);
    }
}
