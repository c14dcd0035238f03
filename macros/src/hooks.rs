//! The hooks of a walker: its methods with a marker.

use proc_macro2::{Ident, Span};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Lit, Meta, Token, Type};

use crate::errors::Errors;
use crate::here::{Here, spell_lifetimes};
use crate::marker::{Marker, Markers};
use crate::merge::Merge;
use crate::signature::{Receives, Signature, is_named, plain};

/// Why a visit hook of a parallel walker takes `&self`.
const SHARED: Receives = Receives::Shared(
    "with `max_workers` a visit runs at the same time as other visits: take `&self`, \
     and change state in `#[on_merge]`",
);

/// What the marked methods of a walker come to.
#[derive(Default)]
pub struct Hooks {
    /// The hooks, in the order in which they are written.
    pub hooks: Vec<Hook>,
    /// What takes in the outputs of visits, of a parallel walker.
    pub merge: Option<Merge>,
}

/// A hook whose signature is right.
pub struct Hook {
    /// The method.
    pub method: Ident,
    /// When it runs.
    pub target: Target,
    /// Whether it has a `walk` parameter.
    pub takes_walk: bool,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Where its return type stands, for errors about that.
    pub output: Span,
}

/// When a hook runs.
pub enum Target {
    /// Before the first visit.
    Enter,
    /// At a visit.
    Visit(Place),
    /// When a node is left.
    Leave(Place),
    /// When an event of this type has come.
    Event(Box<Type>),
    /// When the walk ends.
    Exit,
}

/// Where a hook runs.
pub struct Place {
    /// Where the type of the node stands.
    pub span: Span,
    /// Entity types, none for nodes of any entity.
    pub entities: Vec<Type>,
    /// Whether the hook takes several visits at once.
    pub many: bool,
}

/// Whether the visits of a walker run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visits {
    /// One after another.
    InTurn,
    /// At the same time.
    AtOnce,
    /// The arguments that would say so could not be read.
    Unknown,
}

/// Takes the markers off the methods of an impl block, and reads the hooks.
pub fn take(item: &mut ItemImpl, visits: Visits, errors: &mut Errors) -> Hooks {
    let mut read = Hooks::default();
    let mut marked = false;
    for item in &mut item.items {
        let ImplItem::Fn(method) = item else { continue };
        let markers = Markers::take(method);
        marked |= !markers.is_empty();
        let Some((marker, attr)) = markers.only(errors) else { continue };
        match marker {
            Marker::Merge => read.read_merge(attr, method, visits, errors),
            _ => read.hooks.extend(read_hook(*marker, attr, method, visits, errors)),
        }
        spell_lifetimes(method);
    }
    if !marked {
        errors
            .at(&item.self_ty, "no hooks here: mark at least one method with `#[on_visit]` or `#[on_exit]`");
    }
    read
}

impl Hooks {
    fn read_merge(&mut self, attr: &Attribute, method: &ImplItemFn, visits: Visits, errors: &mut Errors) {
        if visits == Visits::InTurn {
            let message = "`#[on_merge]` takes in visits that run at the same time: write \
                           `#[walker(max_workers = 4)]`, or change state in the visit hook itself";
            return errors.at(attr, message);
        }
        let Some(merge) = Merge::read(attr, method, errors) else { return };
        if self.merge.replace(merge).is_some() {
            errors.at(attr, "all visit hooks of a walker return one type: keep one `#[on_merge]`");
        }
    }
}

fn read_hook(
    marker: Marker,
    attr: &Attribute,
    method: &ImplItemFn,
    visits: Visits,
    errors: &mut Errors,
) -> Option<Hook> {
    let list = errors.keep(arguments(marker, attr));
    let mut found = Errors::default();
    let signature = Signature::of(method);
    let instead = match marker {
        Marker::Event => "write a hook for each event",
        _ => "use `&Here` and decode, or write a hook for each entity",
    };
    signature.check_qualifiers(instead, &mut found);
    let shared = marker == Marker::Visit && visits == Visits::AtOnce;
    signature.check_receiver(if shared { SHARED } else { Receives::Reference }, &mut found);
    let subject = Subject::read(marker, &signature, &mut found);
    let (place, nowhere) = match &subject {
        Some(Subject::None) => (0, Some(marker.with_article())),
        _ => (1, None),
    };
    // Parameters in the wrong order are one mistake, and the first of them has reported it.
    let takes_walk = subject.is_some() && signature.check_walk(place, nowhere.as_deref(), &mut found);
    signature.check_end(place + 1, "belongs in the walker's fields", &mut found);
    if let Some(error) = found.into_error() {
        errors.push(error);
        return None;
    }
    Some(Hook {
        method: method.sig.ident.clone(),
        target: target(marker, list?, subject?, errors)?,
        takes_walk,
        is_async: signature.is_async(),
        output: signature.output(),
    })
}

/// What a hook is told beside the walk.
enum Subject<'a> {
    /// Nothing.
    None,
    /// Where it is.
    Here(Here<'a>),
    /// What has happened: an event of this type.
    Event(Type),
}

impl<'a> Subject<'a> {
    fn read(marker: Marker, signature: &Signature<'a>, errors: &mut Errors) -> Option<Self> {
        match marker {
            Marker::Visit | Marker::Leave => Here::read(marker, signature, errors).map(Self::Here),
            Marker::Event => event(signature, errors).map(Self::Event),
            Marker::Enter | Marker::Merge | Marker::Exit => Some(Self::None),
        }
    }
}

/// `E` of the first parameter `event: &E`.
fn event(signature: &Signature, errors: &mut Errors) -> Option<Type> {
    let Some(parameter) = signature.types.first() else {
        let message = "an `#[on_event]` hook is told what has happened: add `event: &PriceChanged`";
        errors.at(&signature.method.sig.ident, message);
        return None;
    };
    let by_name = |ty: &Type| matches!(ty, Type::Path(_)) && !is_named(ty, "Walk") && !is_named(ty, "Here");
    match plain(parameter) {
        Type::Reference(reference) if reference.mutability.is_none() && by_name(plain(&reference.elem)) => {
            Some(plain(&reference.elem).clone())
        }
        _ => {
            let message = "the first parameter of an `#[on_event]` hook is a shared reference to its event: \
                           write `event: &PriceChanged`";
            errors.at(parameter, message);
            None
        }
    }
}

fn target(
    marker: Marker,
    list: Option<Vec<Type>>,
    subject: Subject<'_>,
    errors: &mut Errors,
) -> Option<Target> {
    let here = match subject {
        Subject::Here(here) => here,
        Subject::Event(event) => return Some(Target::Event(Box::new(event))),
        Subject::None if marker == Marker::Enter => return Some(Target::Enter),
        Subject::None => return Some(Target::Exit),
    };
    let Here { parameter, entity, many } = here;
    let place = match (entity, list) {
        (Some(_), Some(_)) => {
            let message = format!(
                "the list after `{}` names the entities: write `{}` here, or drop the list",
                marker.attribute(),
                if many { "&[Here]" } else { "&Here" }
            );
            errors.at(parameter, message);
            return None;
        }
        (Some(entity), None) => Place { span: entity.span(), entities: vec![entity], many },
        (None, list) => Place { span: parameter.span(), entities: list.unwrap_or_default(), many },
    };
    Some(if marker == Marker::Leave { Target::Leave(place) } else { Target::Visit(place) })
}

/// The list of `#[on_visit(City, Airport)]`, `None` where there is no list.
fn arguments(marker: Marker, attr: &Attribute) -> syn::Result<Option<Vec<Type>>> {
    let when = match marker {
        Marker::Visit | Marker::Leave => return entities(marker, attr),
        Marker::Enter => "the hook runs once, before the first visit",
        Marker::Exit => "the hook runs once, when the walk ends",
        Marker::Event | Marker::Merge => "its first parameter says what the hook is for",
    };
    without_arguments(marker, attr, when).map(|()| None)
}

/// Refuses arguments of a marker that takes none; `reason` says why.
pub fn without_arguments(marker: Marker, attr: &Attribute, reason: &str) -> syn::Result<()> {
    let message = || format!("`#[{}]` takes no arguments: {reason}", marker.attribute());
    attr.meta.require_path_only().map(|_| ()).map_err(|_| syn::Error::new_spanned(attr, message()))
}

fn entities(marker: Marker, attr: &Attribute) -> syn::Result<Option<Vec<Type>>> {
    let name = marker.attribute();
    let example =
        format!("write `#[{name}(City, Airport)]` with the Rust types of the entities, or `#[{name}]`");
    match &attr.meta {
        Meta::Path(_) => Ok(None),
        Meta::List(list) => {
            if let Ok(name) = attr.parse_args::<Lit>() {
                return Err(syn::Error::new_spanned(name, example));
            }
            let types = attr.parse_args_with(Punctuated::<Type, Token![,]>::parse_terminated)?;
            if types.is_empty() {
                return Err(syn::Error::new_spanned(list, example));
            }
            Ok(Some(types.into_iter().collect()))
        }
        Meta::NameValue(_) => Err(syn::Error::new_spanned(attr, example)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(visits: Visits, mut item: ItemImpl) -> (Hooks, Vec<String>) {
        let mut errors = Errors::default();
        let hooks = take(&mut item, visits, &mut errors);
        (hooks, errors.texts())
    }

    #[test]
    fn every_kind_of_hook_is_read_in_the_order_of_the_block() {
        let (read, errors) = taken(
            Visits::InTurn,
            syn::parse_quote!(impl Census {
                #[on_enter] fn a(&mut self) {}
                #[on_visit(City, Route)] async fn b(&mut self, here: &[Here]) {}
                #[on_leave] fn c(&mut self, here: &Here<City>, walk: &mut Walk) {}
                #[on_event] fn d(&mut self, event: &geo::Moved) {}
                #[on_exit] fn e(&self, walk: &mut Walk) {}
                fn f() {}
            }),
        );
        assert_eq!(errors, Vec::<String>::new());
        let [a, b, c, d, e] = read.hooks.as_slice() else { panic!("{} hooks", read.hooks.len()) };
        assert!(matches!(a.target, Target::Enter) && matches!(e.target, Target::Exit));
        assert!(b.is_async && matches!(&b.target, Target::Visit(at) if at.many && at.entities.len() == 2));
        assert!(c.takes_walk && matches!(&c.target, Target::Leave(at) if !at.many && at.entities.len() == 1));
        assert!(matches!(d.target, Target::Event(_)) && !d.takes_walk);
    }

    #[test]
    fn each_misuse_of_a_hook_is_one_error() {
        let methods: [ImplItemFn; 10] = [
            syn::parse_quote!(
                #[on_enter(City)]
                fn f(&mut self) {}
            ),
            syn::parse_quote!(
                #[on_enter]
                fn f(&mut self, here: &Here) {}
            ),
            syn::parse_quote!(
                #[on_exit]
                fn f(&mut self, here: &[Here]) {}
            ),
            syn::parse_quote!(
                #[on_leave("City")]
                fn f(&mut self, here: &Here) {}
            ),
            syn::parse_quote!(
                #[on_leave(City)]
                fn f(&mut self, here: &Here<City>) {}
            ),
            syn::parse_quote!(
                #[on_event]
                fn f(&mut self) {}
            ),
            syn::parse_quote!(
                #[on_event]
                fn f(&mut self, event: PriceChanged) {}
            ),
            syn::parse_quote!(
                #[on_event]
                fn f(&mut self, walk: &mut Walk, event: &PriceChanged) {}
            ),
            syn::parse_quote!(
                #[on_event(A)]
                fn f(&mut self, event: &A) {}
            ),
            syn::parse_quote!(
                #[on_merge]
                fn f(&mut self, people: u64) {}
            ),
        ];
        for method in methods {
            let text = quote::quote!(#method).to_string();
            let (_, errors) = taken(Visits::InTurn, syn::parse_quote!(impl Census { #method }));
            assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        }
    }

    #[test]
    fn visit_hooks_share_the_walker_and_other_hooks_do_not() {
        let item: ItemImpl = syn::parse_quote!(impl Census {
            #[on_visit] fn a(&mut self, here: &Here) -> u64 { 1 }
            #[on_leave] fn b(&mut self, here: &Here) {}
            #[on_merge] fn c(&mut self, people: u64) {}
        });
        let (read, errors) = taken(Visits::AtOnce, item.clone());
        assert!(
            read.merge.is_some() && errors.len() == 1 && errors[0].contains("take `&self`"),
            "{errors:?}"
        );
        assert!(taken(Visits::Unknown, item).1.is_empty(), "the unread arguments are the one error");
    }
}
