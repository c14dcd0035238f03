//! What an entity type says of itself: name, kind, schema, fields, indexes, registration.

#![deny(warnings)]

use wayfare::__private::{Entity, EntityName, EntityType, IndexSpec, Kind, NodeEntity};
use wayfare::{edge, node, object};

#[node]
#[derive(Debug, Clone, PartialEq)]
pub struct City {
    /// Documented fields and visibilities stay.
    #[field(unique)]
    pub code: String,
    #[field(index)]
    country: String,
    #[serde(default)]
    people: u64,
    r#type: Option<String>,
}

// Derives above the macro work too, as long as serde's are not among them.
#[derive(Debug, Default)]
#[node(name = "Person", schema = 3, index(keys = ["email", "active"], unique), index(keys = ["active"]))]
struct User {
    #[field(index, unique)]
    email: String,
    active: bool,
}

#[node]
#[serde(rename_all = "camelCase")]
struct Renamed {
    #[field(index)]
    first_name: String,
    #[field(unique)]
    #[serde(rename = "mail")]
    email: String,
    #[serde(skip)]
    _cache: u32,
}

#[node]
#[serde(default)]
#[derive(Default)]
struct Defaults {
    a: u8,
}

#[edge(multi)]
struct Flight {
    number: String,
}

#[edge]
struct Knows;

#[object]
struct Account {
    email: String,
}

#[node]
struct Straße {}

fn indexes<T: Entity>() -> Vec<(Vec<&'static str>, bool)> {
    T::indexes().iter().map(|IndexSpec { fields, unique, .. }| (fields.to_vec(), *unique)).collect()
}

#[test]
fn names_kinds_and_schemas() {
    fn is_node<T: NodeEntity>() {}
    is_node::<City>();
    assert_eq!((City::NAME, City::KIND, City::SCHEMA, City::MULTI), ("City", Kind::Node, 1, false));
    assert_eq!((User::NAME, User::SCHEMA), ("Person", 3));
    assert_eq!((Flight::KIND, Flight::MULTI, Knows::MULTI), (Kind::Edge, true, false));
    assert_eq!(Account::KIND, Kind::Object);
    assert_eq!(Straße::NAME, "Straße");
    assert_eq!(User::entity_name(), EntityName::new("Person").unwrap());
    assert_eq!(User::entity_name(), User::entity_name());
}

#[test]
fn fields() {
    assert_eq!(City::FIELDS, Some(["code", "country", "people", "type"].as_slice()));
    assert_eq!(Defaults::FIELDS, Some(["a"].as_slice()));
    assert_eq!(Knows::FIELDS, Some([].as_slice()));
    assert_eq!(Renamed::FIELDS, None, "serde attributes decide what is stored");
}

#[test]
fn declared_indexes() {
    assert_eq!(indexes::<City>(), [(vec!["code"], true), (vec!["country"], false)]);
    assert_eq!(
        indexes::<User>(),
        [(vec!["email"], true), (vec!["email", "active"], true), (vec!["active"], false)]
    );
    assert_eq!(indexes::<Renamed>(), [(vec!["firstName"], false), (vec!["mail"], true)]);
    assert_eq!(indexes::<Knows>(), []);
}

#[test]
fn registrations() {
    let user = EntityType::find(Kind::Node, User::entity_name()).unwrap();
    assert_eq!((user.name, user.schema, user.multi, (user.indexes)().len()), ("Person", 3, false, 3));
    let flight = EntityType::find(Kind::Edge, Flight::entity_name()).unwrap();
    assert!(flight.multi);
    assert!(EntityType::find(Kind::Object, Account::entity_name()).is_some());
    assert!(EntityType::find(Kind::Node, Account::entity_name()).is_none());
}

#[test]
fn structs_are_still_ordinary_ones() {
    let city = City { code: "PAR".into(), country: "FR".into(), people: 2, r#type: None };
    assert_eq!(city, city.clone());
    let user = User { email: "a@b".into(), active: true };
    assert!(user.active && !format!("{user:?}").is_empty() && !User::default().active);
    let renamed = Renamed { first_name: String::new(), email: String::new(), _cache: 0 };
    let lengths = renamed.first_name.len() + renamed.email.len() + usize::from(Defaults::default().a);
    let (flight, account) = (Flight { number: String::new() }, Account { email: String::new() });
    assert_eq!(lengths + flight.number.len() + account.email.len(), 0);
    let _ = (Straße {}, Knows);
}
