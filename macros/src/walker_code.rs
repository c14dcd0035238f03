//! The code of a walker: its trait impl and its registration.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Expr, ItemImpl};

use crate::call_code::{Outcome, arm, dispatch, go_on};
use crate::hooks::{Hook, Hooks, Place, Target};
use crate::parallel_code;

/// What is known of a walker once its impl block is read.
pub struct Walker<'a> {
    /// The impl block, without markers.
    pub item: &'a ItemImpl,
    /// The name under which it is spawned by message.
    pub name: String,
    /// The body of `options`, `None` for the default.
    pub options: Option<TokenStream>,
    /// How many visits run at the same time, of a parallel walker.
    pub max_workers: Option<&'a Expr>,
    /// The hooks, in the order in which they run at a node.
    pub hooks: &'a Hooks,
}

impl Walker<'_> {
    /// Hooks with their numbers: those that run with others, or those that have the walker to themselves.
    pub fn numbered(&self, shared: bool) -> impl Iterator<Item = (usize, &Hook)> {
        let parallel = self.max_workers.is_some();
        let is_shared = move |hook: &Hook| parallel && matches!(hook.target, Target::Visit(_));
        self.hooks.hooks.iter().enumerate().filter(move |(_, hook)| is_shared(hook) == shared)
    }
}

/// Implements `Walker`, and `ParallelWalker` where visits run at the same time, and registers the type.
pub fn implementation(walker: &Walker) -> TokenStream {
    let Walker { item, name, options, .. } = walker;
    let (generics, _, bounds) = item.generics.split_for_impl();
    let ty = &item.self_ty;
    let specs = walker.hooks.hooks.iter().map(spec);
    let options = options.as_ref().map(|body| {
        quote! {
            fn options(&self) -> ::wayfare::__private::WalkOptions {
                #body
            }
        }
    });
    let (call, call_async) = (call(walker), call_async(walker));
    let parallel = parallel_code::parallel(walker);
    let parallel_walker = parallel_code::implementation(walker);
    let registration = registration(walker);
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, unused_mut, unused_imports, reason = "not every walker has both kinds of hook")]
        impl #generics ::wayfare::__private::Walker for #ty #bounds {
            const NAME: &'static str = #name;

            #[inline]
            fn hooks() -> &'static [::wayfare::__private::HookSpec] {
                const { &[#(#specs),*] }
            }

            #options
            #call
            #call_async
            #parallel

            fn state(&self) -> ::core::option::Option<::wayfare::__private::serde_json::Value> {
                use ::wayfare::__private::capability::{CanShow, CannotShow};
                (&::wayfare::__private::capability::Probe::<Self>::new()).show(self)
            }
        }

        #parallel_walker
        #registration
    }
}

fn registration(walker: &Walker) -> Option<TokenStream> {
    let Walker { item, name, .. } = walker;
    let ty = &item.self_ty;
    // A generic type is many types; a message could not say which of them it means.
    item.generics.params.is_empty().then(|| {
        quote! {
            ::wayfare::__private::inventory::submit! {
                ::wayfare::__private::WalkerType {
                    name: #name,
                    make: || {
                        #[allow(unused_imports, reason = "which of them is used depends on the type")]
                        use ::wayfare::__private::capability::{CanMake, CannotMake};
                        (&::wayfare::__private::capability::Probe::<#ty>::new()).make()
                    },
                }
            }
        }
    })
}

fn spec(hook: &Hook) -> TokenStream {
    let name = hook.method.unraw().to_string();
    let is_async = hook.is_async;
    let takes_many = matches!(&hook.target, Target::Visit(place) if place.many);
    let target = match &hook.target {
        Target::Enter => quote!(Enter),
        Target::Exit => quote!(Exit),
        Target::Event(event) => quote!(Event(::wayfare::__private::EventKey::of::<#event>)),
        Target::Visit(place) => {
            let at = at(place);
            quote!(Visit(#at))
        }
        Target::Leave(place) => {
            let at = at(place);
            quote!(Leave(#at))
        }
    };
    quote! {
        ::wayfare::__private::HookSpec {
            name: #name,
            target: ::wayfare::__private::HookTarget::#target,
            is_async: #is_async,
            takes_many: #takes_many,
        }
    }
}

fn at(place: &Place) -> TokenStream {
    let entities = &place.entities;
    if entities.is_empty() {
        return quote!(::wayfare::__private::At::Any);
    }
    quote!(::wayfare::__private::At::Entities(&[#(::wayfare::__private::entity_of::<#entities>),*]))
}

fn call(walker: &Walker) -> TokenStream {
    let otherwise = go_on();
    let sync = walker.numbered(false).filter(|(_, hook)| !hook.is_async);
    let body = dispatch(sync.map(|(index, hook)| arm(index, hook, Outcome::Step, &otherwise)), &otherwise);
    // Inlined, because a plain visit is not much longer than the call.
    quote! {
        #[inline]
        fn call(
            &mut self,
            hook: usize,
            occasion: ::wayfare::__private::Occasion<'_>,
            walk: &mut ::wayfare::__private::Walk,
        ) -> ::wayfare::__private::HookResult {
            #body
        }
    }
}

fn call_async(walker: &Walker) -> TokenStream {
    let go_on = go_on();
    let otherwise = quote!(<Self as ::wayfare::__private::Walker>::call(self, hook, occasion, walk));
    let waiting = walker.numbered(false).filter(|(_, hook)| hook.is_async);
    let body = dispatch(waiting.map(|(index, hook)| arm(index, hook, Outcome::Step, &go_on)), &otherwise);
    quote! {
        fn call_async<'a>(
            &'a mut self,
            hook: usize,
            occasion: ::wayfare::__private::Occasion<'a>,
            walk: &'a mut ::wayfare::__private::Walk,
        ) -> impl ::core::future::Future<Output = ::wayfare::__private::HookResult> + ::core::marker::Send + 'a {
            async move { #body }
        }
    }
}
