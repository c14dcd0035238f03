//! Entities as documents: maps of named fields, whoever wrote the serde derives.

#![deny(warnings)]

use wayfare::__private::serde_json::{Value, from_value, json, to_value};
use wayfare::__private::{Body, Entity, serde};
use wayfare::{edge, node};

#[edge]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Knows;

#[edge]
struct Likes {}

#[node]
#[derive(Debug, PartialEq)]
struct City {
    name: String,
    #[serde(default)]
    people: u64,
}

#[node]
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(crate = "wayfare::__private::serde")]
struct OwnDerives {
    #[serde(rename = "n")]
    name: String,
}

// Whichever half is missing is added.
#[node]
#[derive(serde::Serialize)]
struct OwnSerialize {
    name: String,
}

#[node]
#[derive(serde::Deserialize)]
struct OwnDeserialize {
    name: String,
}

fn through_a_body<T: Entity>(value: &T) -> (Value, T) {
    let body = Body::encode(value).unwrap();
    (Value::Object(body.fields().unwrap()), body.decode().unwrap())
}

#[test]
fn unit_structs_are_maps() {
    assert_eq!(to_value(Knows).unwrap(), json!({}));
    assert_eq!(through_a_body(&Knows), (json!({}), Knows));
    // Fields of another program's edges do not stop the walk.
    assert_eq!(from_value::<Knows>(json!({"since": 1999, "in": ["a", {"b": null}]})).unwrap(), Knows);
    let with_fields = Body::encode(&json!({"since": 1999})).unwrap();
    assert_eq!(with_fields.decode::<Knows>().unwrap(), Knows);
    for wrong in [json!(null), json!(3), json!("Knows")] {
        assert!(from_value::<Knows>(wrong).is_err());
    }
    assert_eq!(through_a_body(&Likes {}).0, json!({}));
}

#[test]
fn fields_are_what_serde_makes_of_them() {
    let paris = City { name: "Paris".into(), people: 2 };
    assert_eq!(through_a_body(&paris), (json!({"name": "Paris", "people": 2}), paris));
    assert_eq!(from_value::<City>(json!({"name": "Rome", "mayor": 1})).unwrap().people, 0);

    let own = OwnDerives { name: "a".into() };
    assert_eq!(through_a_body(&own), (json!({"n": "a"}), own));
    assert_eq!(through_a_body(&OwnSerialize { name: "b".into() }).1.name, "b");
    assert_eq!(through_a_body(&OwnDeserialize { name: "c".into() }).1.name, "c");
}
