//! Filters from the fields of entity types: which functions there are, what they name, what they build.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]

use std::collections::BTreeMap;

use wayfare::__private::serde_json::{Value, json};
use wayfare::{EdgeEntity, Field, Filter, Id, IntoFilter, Where, edge, node, object};

mod people {
    //! Entities whose fields are not all for everybody.

    use wayfare::node;

    /// A person.
    #[node]
    pub(crate) struct User {
        /// Years.
        pub(crate) age: u32,
        pub active: bool,
        pub(super) name: Option<String>,
        pub(crate) tags: Vec<String>,
        pub(crate) score: f64,
        secret: String,
    }

    pub(crate) fn named(secret: &str) -> wayfare::Where<User> {
        User::secret().eq(secret)
    }
}

use people::User;

// Names as serde stores them, and names that only Rust has.
#[node]
#[serde(rename_all = "camelCase")]
struct Renamed {
    first_name: String,
    #[serde(rename = "mail")]
    email: String,
    r#type: u8,
    #[serde(skip)]
    _cache: u32,
    #[serde(flatten)]
    _rest: BTreeMap<String, u8>,
}

// Functions of the same names are the user's own where filters are turned off.
#[object(no_filters)]
struct Purse {
    email: String,
}

impl Purse {
    fn email(&self) -> &str {
        &self.email
    }
}

#[edge]
struct Voyage {
    minutes: u32,
    #[field(index, no_filter)]
    number: String,
}

impl Voyage {
    fn number() -> &'static str {
        "AF 1"
    }
}

// Names that traits and lints know.
#[node]
#[derive(Default, Clone)]
#[allow(non_snake_case)]
struct Awkward {
    new: u8,
    default: u8,
    clone: u8,
    entity_name: u8,
    indexes: u8,
    #[cfg(any())]
    absent: Absent,
    camelCase: Vec<Self>,
}

mod as_text {
    use wayfare::__private::serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        Ok(String::deserialize(deserializer)?.parse().unwrap_or_default())
    }
}

#[node]
struct Formed {
    #[serde(with = "as_text")]
    number: u64,
}

macro_rules! declare {
    ($name:ident, $field:ident: $ty:ty) => {
        #[node]
        struct $name {
            $field: $ty,
            own: u8,
        }
    };
}

declare!(Declared, given: Option<u8>);

/// A value that is there while compiling.
const AGE: Field<User, u32> = User::age();

fn filter<E>(filter: impl IntoFilter<E>) -> Value {
    filter.into_filter().unwrap().to_value()
}

#[test]
fn paths() {
    assert_eq!(AGE.path(), "context.age");
    let first: Field<Renamed, String> = Renamed::first_name();
    let r#type: Field<Renamed, u8> = Renamed::r#type();
    assert_eq!(
        [first.path(), Renamed::email().path(), r#type.path()],
        ["context.firstName", "context.mail", "context.type"]
    );
    let many: Field<Awkward, Vec<Awkward>> = Awkward::camelCase();
    assert_eq!(many.path(), "context.camelCase");
    let awkward =
        [Awkward::new(), Awkward::default(), Awkward::clone(), Awkward::entity_name(), Awkward::indexes()];
    assert_eq!(awkward[1].path(), "context.default");
    let value: Awkward = Default::default();
    assert_eq!(value.clone().new, 0);
    let given: Field<Declared, Option<u8>> = Declared::given();
    assert_eq!((given.path(), Declared::own().path()), ("context.given", "context.own"));
    assert_eq!(User::age().descending().path, "context.age");
}

#[test]
fn conditions() {
    let wanted: Where<User> = User::active().eq(true).and(User::age().gt(30));
    assert_eq!(
        filter::<User>(wanted),
        json!({"$and": [{"context.active": {"$eq": true}}, {"context.age": {"$gt": 30}}]})
    );
    let name = String::from("Ada");
    for named in [User::name().eq("Ada"), User::name().eq(&name), User::name().eq(Some(name.clone()))] {
        assert_eq!(filter::<User>(named), json!({"context.name": {"$eq": "Ada"}}));
    }
    let tagged = User::tags().contains("vip").or(!User::tags().size(0)).or(User::name().regex("^A"));
    let tagged = Filter::try_from(tagged).unwrap();
    assert!(tagged.matches_value(&json!({"context": {"tags": ["x"]}})));
    assert!(!tagged.matches_value(&json!({"context": {"tags": [], "name": "Bo"}})));
    assert_eq!(filter::<User>(people::named("x")), json!({"context.secret": {"$eq": "x"}}));
    assert_eq!(filter::<User>(User::age().is_in([1, 2])), json!({"context.age": {"$in": [1, 2]}}));
    // Stored as text, so it is compared with text.
    assert_eq!(filter::<Formed>(Formed::number().eq("7")), json!({"context.number": {"$eq": "7"}}));
    // JSON is a filter of any entity.
    assert_eq!(filter::<User>(json!({"context.age": 1})), filter::<Voyage>(r#"{"context.age": 1}"#));
    assert!(IntoFilter::<User>::into_filter(User::score().gt(f64::NAN)).is_err());
}

#[test]
fn ends_of_edges() {
    let oslo: Id = "n.City.oslo".parse().unwrap();
    let leaving = Voyage::source_id().eq(&oslo).and(Voyage::minutes().lt(90));
    assert_eq!(
        filter::<Voyage>(leaving),
        json!({"$and": [{"source": {"$eq": "n.City.oslo"}}, {"context.minutes": {"$lt": 90}}]})
    );
    assert_eq!(
        filter::<Voyage>(Voyage::target_id().eq("n.City.oslo")),
        json!({"target": {"$eq": "n.City.oslo"}})
    );
}

#[test]
fn functions_of_the_same_names_stay_the_users() {
    assert_eq!((Purse { email: "a@b".into() }.email(), Voyage::number()), ("a@b", "AF 1"));
}
