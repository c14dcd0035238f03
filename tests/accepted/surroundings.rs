//! The macros inside other macros, functions and modules, among names that shadow the prelude.

#![deny(warnings)]
#![deny(elided_lifetimes_in_paths, missing_docs, unused_qualifications, unreachable_pub)]

use wayfare::__private::{At, Entity, HookTarget, Walker};

mod shadowing {
    #![allow(dead_code, non_camel_case_types)]

    use wayfare::{edge, node, walker};

    pub(crate) type Result = ();
    pub(crate) struct Option;
    pub(crate) struct Box;
    pub(crate) struct Some;
    pub(crate) struct Ok;
    pub(crate) enum Entity {}
    pub(crate) enum Walker {}
    mod core {}
    mod std {}
    mod serde {}

    #[node]
    pub(crate) struct City {
        #[field(unique)]
        name: String,
    }

    #[edge]
    pub(crate) struct Road;

    pub(crate) struct Stroller(pub(crate) u32);

    // Methods named like those of the trait are still the user's own.
    #[walker]
    impl Stroller {
        #[on_visit]
        fn call(&mut self, here: &wayfare::Here<City>, walk: &mut wayfare::Walk) {
            self.0 += here.name.len() as u32 + walk.depth();
        }

        #[on_visit]
        async fn call_async(&mut self, here: &wayfare::Here<City>) -> wayfare::Step {
            self.0 += here.name.len() as u32;
            wayfare::Step::Continue
        }

        #[on_exit]
        fn hooks(&self) {}

        #[on_exit]
        fn state(&self) {}
    }
}

macro_rules! declare {
    ($city:ident, $walker:ident, $seen_as:ty, $here:ident) => {
        #[wayfare::node]
        struct $city {
            #[field(index)]
            name: String,
        }

        struct $walker {
            seen: Vec<String>,
        }

        #[wayfare::walker(name = "FromMacro")]
        impl $walker {
            #[on_visit]
            fn sync(&mut self, $here: &wayfare::Here<$seen_as>, walk: &mut wayfare::Walk) {
                self.seen.push(format!("{} {}", $here.name, walk.depth()));
            }

            #[on_visit]
            async fn later(&mut self, $here: &wayfare::Here<$seen_as>) {
                self.seen.push($here.name.clone());
            }
        }
    };
}

declare!(Town, Tour, Town, here);

#[test]
fn names_around_a_macro_do_not_matter() {
    #[wayfare::node(name = "LocalCity")]
    struct City {
        name: String,
    }

    assert_eq!((City::NAME, shadowing::City::NAME, Town::NAME), ("LocalCity", "City", "Town"));
    assert_eq!(City { name: "x".into() }.name, "x");
    assert_eq!(Tour::NAME, "FromMacro");
    assert!(Tour { seen: Vec::new() }.seen.is_empty());
    assert!(
        matches!(Tour::hooks()[1].target, HookTarget::Visit(At::Entities([town])) if town().1 == Town::entity_name())
    );
    assert_eq!(<shadowing::Stroller as Walker>::hooks().len(), 4);
    assert_eq!(shadowing::Stroller(0).0, 0);
    assert_eq!(shadowing::Road::NAME, "Road");
}
