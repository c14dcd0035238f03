//! The arguments of `#[node(…)]`, `#[edge(…)]` and `#[object(…)]`.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, Token, bracketed, parenthesized, token};

use crate::errors::{Errors, set_once, unknown_argument};

/// The kinds of entity that have a macro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// `#[node]`.
    Node,
    /// `#[edge]`.
    Edge,
    /// `#[object]`.
    Object,
}

impl EntityKind {
    /// The name of the macro.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Edge => "edge",
            Self::Object => "object",
        }
    }
}

/// What stands in the parentheses.
#[derive(Default)]
pub struct EntityArgs {
    /// `name = "Airport"`.
    pub name: Option<LitStr>,
    /// `schema = 3`.
    pub schema: Option<u32>,
    /// `multi`, of edges only.
    pub multi: bool,
    /// `index(…)`, as often as wanted.
    pub indexes: Vec<IndexArg>,
    /// `no_filters`.
    pub no_filters: bool,
}

/// `index(keys = ["email", ("age", -1)], unique, sparse, partial = "{…}", name = "…")`.
pub struct IndexArg {
    /// Fields, most significant first.
    pub keys: Vec<IndexKey>,
    /// Whether two documents may not share their values.
    pub unique: bool,
    /// The filter of a partial index, as JSON.
    pub partial: Option<LitStr>,
    /// A name of its own.
    pub name: Option<LitStr>,
}

/// `"age"`, or `("age", -1)` where the largest values come first.
pub struct IndexKey {
    /// The field.
    pub field: LitStr,
    /// Whether it descends.
    pub descending: bool,
}

impl Parse for IndexKey {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(token::Paren) {
            return Ok(Self { field: input.parse()?, descending: false });
        }
        let pair;
        parenthesized!(pair in input);
        let field = pair.parse()?;
        pair.parse::<Token![,]>()?;
        let negative = pair.parse::<Option<Token![-]>>()?.is_some();
        let order: LitInt = pair.parse()?;
        if order.base10_digits() != "1" {
            return Err(syn::Error::new_spanned(order, "an order is 1 (ascending) or -1 (descending)"));
        }
        Ok(Self { field, descending: negative })
    }
}

impl EntityArgs {
    /// Parses the arguments; those before the first error are kept.
    pub fn parse(kind: EntityKind, args: TokenStream, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        let mut schema = None;
        let parser = syn::meta::parser(|meta| match () {
            () if meta.path.is_ident("name") => set_once(&meta, &mut read.name, meta.value()?.parse()?),
            () if meta.path.is_ident("schema") => set_once(&meta, &mut schema, schema_version(&meta)?),
            () if meta.path.is_ident("index") => {
                read.indexes.push(index(&meta)?);
                Ok(())
            }
            () if meta.path.is_ident("no_filters") => {
                read.no_filters = true;
                Ok(())
            }
            () if meta.path.is_ident("multi") && kind == EntityKind::Edge => {
                read.multi = true;
                Ok(())
            }
            () if meta.path.is_ident("multi") => Err(meta.error("only `#[edge]` takes `multi`")),
            () => Err(unknown_argument(&meta, &format!("#[{}]", kind.attribute()), known(kind))),
        });
        errors.keep(parser.parse2(args));
        read.schema = schema;
        read
    }
}

fn known(kind: EntityKind) -> &'static [&'static str] {
    match kind {
        EntityKind::Edge => &["name", "schema", "index", "no_filters", "multi"],
        EntityKind::Node | EntityKind::Object => &["name", "schema", "index", "no_filters"],
    }
}

fn schema_version(meta: &ParseNestedMeta) -> syn::Result<u32> {
    let value: Expr = meta.value()?.parse()?;
    if let Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) = &value
        && let Ok(version @ 1..) = literal.base10_parse::<u32>()
    {
        return Ok(version);
    }
    Err(syn::Error::new_spanned(value, "a schema version is a whole number from 1 to 4294967295"))
}

fn index(meta: &ParseNestedMeta) -> syn::Result<IndexArg> {
    let example = "an index needs its fields: write `index(keys = [\"field\", …])`";
    if !meta.input.peek(token::Paren) {
        return Err(meta.error(example));
    }
    let mut keys = None;
    let (mut unique, mut partial, mut name) = (false, None, None);
    meta.parse_nested_meta(|inner| {
        if inner.path.is_ident("keys") {
            let list;
            let value = inner.value()?;
            bracketed!(list in value);
            let found = Punctuated::<IndexKey, Token![,]>::parse_terminated(&list)?;
            return set_once(&inner, &mut keys, found.into_iter().collect::<Vec<_>>());
        }
        if inner.path.is_ident("unique") {
            unique = true;
            return Ok(());
        }
        if inner.path.is_ident("sparse") {
            // Every index is: it holds the documents that have at least one of its fields.
            return Ok(());
        }
        if inner.path.is_ident("partial") {
            let filter: LitStr = inner.value()?.parse()?;
            return set_once(&inner, &mut partial, checked_filter(filter)?);
        }
        if inner.path.is_ident("name") {
            return set_once(&inner, &mut name, inner.value()?.parse()?);
        }
        Err(unknown_argument(&inner, "index", &["keys", "unique", "sparse", "partial", "name"]))
    })?;
    match keys {
        Some(keys) if !keys.is_empty() => Ok(IndexArg { keys, unique, partial, name }),
        _ => Err(meta.error(example)),
    }
}

/// Refuses what is no filter while it is compiled. Which filters there are is not this crate's to know.
fn checked_filter(filter: LitStr) -> syn::Result<LitStr> {
    let text = filter.value();
    let text = text.trim();
    if text.starts_with('{') && text.ends_with('}') {
        return Ok(filter);
    }
    let message = "the filter of a partial index is JSON such as `{\"context.active\": true}`";
    Err(syn::Error::new_spanned(filter, message))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn parse(kind: EntityKind, args: TokenStream) -> (EntityArgs, Vec<String>) {
        let mut errors = Errors::default();
        let read = EntityArgs::parse(kind, args, &mut errors);
        (read, errors.texts())
    }

    #[test]
    fn every_argument_is_read() {
        let (read, errors) = parse(
            EntityKind::Edge,
            quote!(
                name = "Road",
                schema = 3,
                multi,
                no_filters,
                index(keys = ["a", ("b", -1)], unique),
                index(keys = ["b"], sparse, partial = "{}", name = "x")
            ),
        );
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(read.name.map(|name| name.value()).as_deref(), Some("Road"));
        assert_eq!((read.schema, read.multi, read.indexes.len()), (Some(3), true, 2));
        assert!(read.no_filters && read.indexes[0].unique && !read.indexes[1].unique);
        assert!(read.indexes[0].keys[1].descending && !read.indexes[0].keys[0].descending);
        assert!(read.indexes[1].partial.is_some() && read.indexes[1].name.is_some());
    }

    #[test]
    fn an_argument_twice_or_out_of_range_is_refused() {
        for args in
            [quote!(name = "A", name = "B"), quote!(schema = 0), quote!(schema = 5000000000), quote!(index())]
        {
            assert_eq!(parse(EntityKind::Node, args.clone()).1.len(), 1, "{args}");
        }
    }
}
