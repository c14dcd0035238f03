//! `#[cached_query]`: an async function whose results are kept in a cache.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, GenericParam, Ident, ItemFn, Lit, Pat, Path, ReturnType, Token, parenthesized};

use crate::errors::{Errors, located};

const USAGE: &str = "write `#[cached_query(ttl = \"5m\")]`, and where wanted \
    `invalidate_on(User, Follows)`, `tags = [\"users\"]`, `key = …`, `cache = …`";

/// Longest time to live, in milliseconds: ten years.
const MAX_MS: u64 = 10 * 365 * 86_400_000;

/// The arguments of the attribute.
#[derive(Default)]
struct QueryArgs {
    ttl_ms: Option<u64>,
    entities: Vec<Path>,
    tags: Vec<Expr>,
    key: Option<Expr>,
    cache: Option<Expr>,
}

impl Parse for QueryArgs {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let name = Ident::parse_any(input).map_err(|error| syn::Error::new(error.span(), USAGE))?;
            if name == "invalidate_on" {
                let types;
                parenthesized!(types in input);
                args.entities.extend(Punctuated::<Path, Token![,]>::parse_terminated(&types)?);
            } else {
                input.parse::<Token![=]>().map_err(|error| syn::Error::new(error.span(), USAGE))?;
                args.take(&name, input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if args.ttl_ms.is_none() {
            return Err(syn::Error::new(input.span(), USAGE));
        }
        Ok(args)
    }
}

impl QueryArgs {
    fn take(&mut self, name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        let value: Expr = input.parse()?;
        match name.to_string().as_str() {
            "ttl" => self.ttl_ms = Some(millis(&value)?),
            "key" => self.key = Some(value),
            "cache" => self.cache = Some(value),
            "tags" => match value {
                Expr::Array(tags) => self.tags.extend(tags.elems),
                other => return Err(syn::Error::new_spanned(other, "tags are a list: `tags = [\"users\"]`")),
            },
            _ => return Err(syn::Error::new(name.span(), USAGE)),
        }
        Ok(())
    }
}

/// A time such as `"5m"`, or a number of seconds.
fn millis(value: &Expr) -> syn::Result<u64> {
    let refused = || {
        let message = "a time to live is a text such as \"250ms\", \"30s\", \"5m\", \"2h\" or \"1d\", or a number of \
            seconds; from 1 ms to ten years";
        syn::Error::new_spanned(value, message)
    };
    let Expr::Lit(literal) = value else { return Err(refused()) };
    let millis = match &literal.lit {
        Lit::Int(seconds) => {
            seconds.base10_parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1_000))
        }
        Lit::Str(text) => {
            let text = text.value();
            let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
            let (number, unit) = text.split_at(unit_at);
            let unit = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(refused()),
            };
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit))
        }
        _ => None,
    };
    millis.filter(|millis| (1..=MAX_MS).contains(millis)).ok_or_else(refused)
}

/// Expands the attribute; errors come with the function, so that its other uses still compile.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = errors.keep(syn::parse2::<QueryArgs>(args));
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => Some(function),
        Err(_) => {
            errors.at(&item, "`#[cached_query]` belongs on an async function or method");
            None
        }
    };
    let parts = match (&args, &function) {
        (Some(args), Some(function)) => check(args, function, &mut errors),
        _ => None,
    };
    if let Some(report) = errors.into_code() {
        return quote!(#item #report);
    }
    match (args, function, parts) {
        (Some(args), Some(function), Some(parts)) => code(&args, &function, &parts),
        _ => item,
    }
}

/// What the code needs to know of a function.
struct Parts {
    source: TokenStream,
    /// The arguments that make the key.
    keyed: Vec<Ident>,
    is_method: bool,
}

fn check(args: &QueryArgs, function: &ItemFn, errors: &mut Errors) -> Option<Parts> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        errors.at(signature.fn_token, "a cached query is async: it waits for who computes the same");
    }
    if matches!(signature.output, ReturnType::Default) {
        errors
            .at(&signature.ident, "a cached query returns a `Result`: its value is kept, its errors are not");
    }
    let is_method = signature.receiver().is_some();
    let mut names = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(argument) = input else { continue };
        match &*argument.pat {
            Pat::Ident(name) => names.push(name.ident.clone()),
            other => errors.at(other, "give the argument of a cached query a name of its own"),
        }
    }
    let source = match (&args.cache, is_method) {
        (Some(cache), _) => cache.to_token_stream(),
        (None, true) => quote!(self),
        (None, false) if names.is_empty() => {
            let message = "a cached query needs a cache: let its first argument be a `&Graph`, `&Runtime` or `&Cache`, \
                or name one by `cache = …`";
            errors.at(&signature.ident, message);
            return None;
        }
        (None, false) => names.remove(0).to_token_stream(),
    };
    Some(Parts { source, keyed: names, is_method })
}

fn code(args: &QueryArgs, function: &ItemFn, parts: &Parts) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let Parts { source, keyed, is_method } = parts;
    let QueryArgs { ttl_ms, entities, tags, key, .. } = args;
    let name = sig.ident.unraw().to_string();
    let name = match is_method {
        true => quote!(::std::format!("{}::{}", ::core::any::type_name::<Self>(), #name)),
        false => quote!(::std::format!("{}::{}", ::core::module_path!(), #name)),
    };
    let types = sig.generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        _ => None,
    });
    let of_arguments = match key {
        Some(key) => vec![quote!(::core::result::Result::Ok(::std::string::ToString::to_string(&(#key))))],
        None => keyed
            .iter()
            .map(|argument| {
                quote_spanned!(located(argument.span())=> ::wayfare::__private::CachedCall::part(&#argument))
            })
            .collect(),
    };
    let outcome = match &sig.output {
        ReturnType::Type(_, outcome) => outcome.to_token_stream(),
        ReturnType::Default => quote!(()),
    };
    let source = quote_spanned! {located(source.span())=>
        ::wayfare::__private::CacheSource::cache_source(&#source)
    };
    quote! {
        #(#attrs)*
        #vis #sig {
            let __call = ::wayfare::__private::CachedCall {
                cache: #source,
                name: #name,
                parts: [
                    #(::core::result::Result::Ok(::std::string::String::from(::core::any::type_name::<#types>())),)*
                    #(#of_arguments,)*
                ]
                .into_iter()
                .collect::<::core::result::Result<::std::vec::Vec<::std::string::String>, ::wayfare::Error>>(),
                ttl: ::core::time::Duration::from_millis(#ttl_ms),
                tags: ::std::vec![#(::std::string::ToString::to_string(&(#tags)),)*],
                entities: ::std::vec![#(::wayfare::__private::entity_key::<#entities>(),)*],
            };
            __call.outcome::<#outcome>(async move || -> #outcome #block).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(args: TokenStream, item: TokenStream) -> String {
        expand(args, item).to_string()
    }

    #[test]
    fn times_are_read_with_their_units() {
        let ms = |text: &str| millis(&syn::parse_str(text).unwrap()).ok();
        assert_eq!(ms("\"250ms\""), Some(250));
        assert_eq!(ms("\"5m\""), Some(300_000));
        assert_eq!(ms("\"2h\""), Some(7_200_000));
        assert_eq!(ms("\"1d\""), Some(86_400_000));
        assert_eq!(ms("300"), Some(300_000));
        for refused in ["0", "\"0s\"", "-5", "\"-5m\"", "\"5\"", "\"5y\"", "\"m\"", "\"99999d\"", "1.5", "x"]
        {
            assert_eq!(ms(refused), None, "{refused}");
        }
    }

    #[test]
    fn the_key_is_made_of_the_arguments_after_the_source() {
        let code = code(
            quote!(ttl = "5m", invalidate_on(User), tags = ["users"]),
            quote!(
                pub async fn of(graph: &Graph, age: u32) -> Result<Vec<User>> {
                    graph.find(age).await
                }
            ),
        );
        assert!(code.contains("cache_source (& graph)"), "{code}");
        assert!(code.contains("CachedCall :: part (& age)") && !code.contains("part (& graph)"), "{code}");
        assert!(!code.contains("compile_error"), "{code}");
    }

    #[test]
    fn each_misuse_is_one_error() {
        let good = quote!(
            async fn f(graph: &Graph) -> Result<u32> {
                Ok(1)
            }
        );
        for (args, item) in [
            (quote!(), good.clone()),
            (quote!(ttl = "0s"), good.clone()),
            (quote!(ttl = "5m", tags = "users"), good.clone()),
            (quote!(ttl = "5m", other = 1), good.clone()),
            (quote!(300), good),
            (
                quote!(ttl = "5m"),
                quote!(
                    fn f(graph: &Graph) -> Result<u32> {
                        Ok(1)
                    }
                ),
            ),
            (
                quote!(ttl = "5m"),
                quote!(
                    async fn f(graph: &Graph) {}
                ),
            ),
            (
                quote!(ttl = "5m"),
                quote!(
                    async fn f() -> Result<u32> {
                        Ok(1)
                    }
                ),
            ),
            (
                quote!(ttl = "5m"),
                quote!(
                    async fn f(graph: &Graph, (a, b): (u32, u32)) -> Result<u32> {
                        Ok(1)
                    }
                ),
            ),
            (
                quote!(ttl = "5m"),
                quote!(
                    struct A;
                ),
            ),
        ] {
            let code = code(args.clone(), item.clone());
            assert_eq!(code.matches("compile_error").count(), 1, "{args} {item}: {code}");
        }
    }
}
