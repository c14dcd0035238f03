//! What fields make: JSON, the documents it matches, and what an index gets of it.

use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::document::Document;
use crate::filter::{Bounds, Filter};
use crate::id::Id;

pub(super) struct User;

#[derive(Serialize)]
enum Rank {
    Novice,
    Master,
}

pub(super) fn age() -> Field<User, u32> {
    Field::new("context.age")
}

pub(super) fn active() -> Field<User, bool> {
    Field::new("context.active")
}

fn name() -> Field<User, Option<String>> {
    Field::new("context.name")
}

fn tags() -> Field<User, Vec<String>> {
    Field::new("context.tags")
}

fn scores() -> Field<User, Vec<Option<i32>>> {
    Field::new("context.scores")
}

fn homes() -> Field<User, Vec<Value>> {
    Field::new("context.homes")
}

pub(super) fn filter(condition: Where<User>) -> Filter {
    Filter::try_from(condition).unwrap()
}

#[test]
fn every_test_is_the_operator_it_is_named_after() {
    let rank = Field::<User, Rank>::new("context.rank");
    for (condition, json) in [
        (age().eq(1), json!({"context.age": {"$eq": 1}})),
        (age().ne(1), json!({"context.age": {"$ne": 1}})),
        (age().gt(1), json!({"context.age": {"$gt": 1}})),
        (age().gte(1), json!({"context.age": {"$gte": 1}})),
        (age().lt(1), json!({"context.age": {"$lt": 1}})),
        (age().lte(1), json!({"context.age": {"$lte": 1}})),
        (age().is_in([1, 2]), json!({"context.age": {"$in": [1, 2]}})),
        (age().not_in([1, 2]), json!({"context.age": {"$nin": [1, 2]}})),
        (age().exists(), json!({"context.age": {"$exists": true}})),
        (age().is_null(), json!({"context.age": {"$eq": null}})),
        (age().has_type("number"), json!({"context.age": {"$type": "number"}})),
        (age().rem(4, 1), json!({"context.age": {"$mod": [4, 1]}})),
        (name().regex("^A"), json!({"context.name": {"$regex": "^A"}})),
        (tags().size(2), json!({"context.tags": {"$size": 2}})),
        (tags().contains("a"), json!({"context.tags": {"$elemMatch": {"$eq": "a"}}})),
        (tags().all(["a"]), json!({"context.tags": {"$all": [{"$elemMatch": {"$eq": "a"}}]}})),
        (rank.gt(Rank::Novice), json!({"context.rank": {"$gt": "Novice"}})),
        (homes().at("city").eq("Oslo"), json!({"context.homes.city": {"$eq": "Oslo"}})),
    ] {
        assert_eq!(filter(condition), Filter::parse(&json).unwrap());
    }
    assert_eq!(rank.clone().path(), "context.rank");
    assert_eq!(format!("{rank:?} {:?}", rank.is_in([Rank::Master])), {
        r#"Field(context.rank) Where({"context.rank":{"$in":["Master"]}})"#
    });
}

#[test]
fn operands_are_values_references_and_what_stands_for_them() {
    let (text, number) = (String::from("Ada"), &7_u32);
    let numbers = vec![7_u32, 8];
    for condition in [name().eq("Ada"), name().eq(&text), name().eq(text.clone()), name().eq(Some(text))] {
        assert_eq!(filter(condition).to_value(), json!({"context.name": {"$eq": "Ada"}}));
    }
    assert_eq!(filter(name().eq(None)), filter(name().is_null()));
    assert_eq!(filter(age().eq(number)), filter(age().eq(7)));
    assert_eq!(filter(age().is_in(&numbers)), filter(age().is_in([7, 8])));
    assert_eq!(filter(age().is_in(numbers)), filter(age().is_in((7..9).collect::<Vec<_>>())));
    let owned = tags().eq(vec!["a".to_owned()]);
    assert_eq!(filter(owned), filter(tags().eq(["a"])));
    assert_eq!(filter(tags().eq(["a"])), filter(tags().eq(&["a"][..])));
    let untyped = homes().at("n");
    let values = [untyped.eq(1), untyped.eq(1_u8), untyped.eq(json!(1))];
    values
        .into_iter()
        .for_each(|value| assert_eq!(filter(value).to_value(), json!({"context.homes.n": {"$eq": 1}})));
    assert_eq!(filter(untyped.eq(["x"])), filter(untyped.eq(vec!["x"])));
    // Stored and compared in the same form.
    let share = Field::<User, f32>::new("context.share");
    let document = Document::from_json(json!({"id": "n.User.a", "context": {"share": 0.1_f32}})).unwrap();
    assert!(filter(share.eq(0.1)).matches(&document));
    let id: Id = "n.User.a".parse().unwrap();
    let ids = Field::<User, Id>::new("id");
    assert!(filter(ids.eq(&id).and(ids.eq("n.User.a"))).matches(&document));
}

#[test]
fn documents_match_as_by_filters_written_by_hand() {
    let documents = [
        json!({"context": {"age": 31, "active": true, "name": "Ada", "tags": ["a", "b"], "scores": [5, null]}}),
        json!({"context": {"age": 30, "active": true, "tags": [], "scores": [1, 9]}}),
        json!({"context": {"age": 90, "active": false, "name": null, "tags": ["b"]}}),
        json!({"context": {"name": "Bo", "homes": [{"city": "Oslo", "floor": 1}, {"city": "Bergen", "floor": 3}]}}),
        json!({"context": {"homes": [{"city": "Oslo", "floor": 3}], "scores": [null]}}),
        json!({}),
    ];
    for (condition, by_hand, expected) in [
        (
            active().eq(true).and(age().gt(30)),
            json!({"context.active": true, "context.age": {"$gt": 30}}),
            vec![0],
        ),
        (
            name().ne("Ada").and(!tags().size(0)),
            json!({
                "context.name": {"$ne": "Ada"}, "context.tags": {"$not": {"$size": 0}}
            }),
            vec![2, 3, 4, 5],
        ),
        (name().is_null(), json!({"context.name": null}), vec![1, 2, 4, 5]),
        (name().exists().and(name().is_null()), json!({"context.name": {"$type": "null"}}), vec![2]),
        (tags().contains("b"), json!({"context.tags": "b"}), vec![0, 2]),
        (tags().all(["b", "a"]), json!({"context.tags": {"$all": ["a", "b"]}}), vec![0]),
        (
            scores().elem_match(|score| score.gt(4).lt(8)),
            json!({
                "context.scores": {"$elemMatch": {"$gt": 4, "$lt": 8}}
            }),
            vec![0],
        ),
        (
            homes().elem_match(|home| home.at("city").eq("Oslo").and(home.at("floor").gt(2))),
            json!({"context.homes": {"$elemMatch": {"city": "Oslo", "floor": {"$gt": 2}}}}),
            vec![4],
        ),
    ] {
        let (typed, by_hand) = (filter(condition), Filter::parse(&by_hand).unwrap());
        let matching = |filter: &Filter| -> Vec<usize> {
            (0..documents.len()).filter(|&at| filter.matches_value(&documents[at])).collect()
        };
        assert_eq!(matching(&typed), expected, "{typed}");
        assert_eq!(matching(&by_hand), expected, "{by_hand}");
    }
}

#[test]
fn only_elements_are_contained_not_the_list_itself_or_nothing() {
    let missing = json!({"context": {}});
    let nulls = json!({"context": {"scores": [1, null]}});
    for condition in [scores().contains(None), scores().all([None])] {
        let condition = filter(condition);
        assert!(condition.matches_value(&nulls) && !condition.matches_value(&missing), "{condition}");
    }
    let grid = Field::<User, Vec<Vec<u8>>>::new("context.grid");
    let (empty, holding) = (json!({"context": {"grid": []}}), json!({"context": {"grid": [[1], []]}}));
    for condition in [grid.contains(vec![]), grid.all([vec![]])] {
        let condition = filter(condition);
        assert!(condition.matches_value(&holding) && !condition.matches_value(&empty), "{condition}");
    }
    assert!(!filter(tags().all(Vec::<String>::new())).matches_value(&nulls));
}

#[test]
fn tests_of_an_element_may_repeat_and_may_be_none() {
    let matches = |condition: Where<User>, list: Value| {
        filter(condition).matches_value(&json!({"context": {"scores": list, "tags": list}}))
    };
    let other = || scores().elem_match(|score| score.ne(1).ne(2).ne(3).gt(0).gt(1));
    assert!(matches(other(), json!([1, 2, 3, 4])));
    assert!(!matches(other(), json!([1, 2, 3])) && !matches(other(), json!([0, null])));
    let any = || scores().elem_match(|score| score);
    assert!(matches(any(), json!([7])) && !matches(any(), json!([])));
    let text = || {
        tags().elem_match(|tag| tag.regex("^a").not_in(["ab", "ac"]).is_in(["ab", "ad"]).gte("a").lte("b"))
    };
    assert!(matches(text(), json!(["ab", "ad"])) && !matches(text(), json!(["ab", "bd"])));
    let even = || scores().elem_match(|score| score.rem(2, 0).eq(4));
    assert!(matches(even(), json!([4])) && !matches(even(), json!([2, 3])));
}

#[test]
fn an_index_gets_the_bounds_of_every_field() {
    let both = filter(active().eq(true).and(age().gt(30).and(age().lte(40))).and(tags().contains("vip")));
    let range = |from, to| Some(Bounds::Range { from, to });
    assert_eq!(both.bounds("context.active"), Some(Bounds::Equal(vec![json!(true)])));
    assert_eq!(both.bounds("context.tags"), Some(Bounds::Equal(vec![json!("vip")])));
    assert_eq!(both.bounds("context.age"), range(Some((json!(30), false)), None));
    let between = range(Some((json!(30), false)), Some((json!(40), true)));
    assert_eq!(both.scalar_bounds("context.age"), between);
    let listed = Field::<User, Vec<u32>>::new("context.listed");
    let within = filter(listed.elem_match(|n| n.gt(30).lte(40)));
    assert_eq!(within.bounds("context.listed"), between);
    let named = filter(name().regex("^Ad").and(age().is_in([3, 1])));
    assert_eq!(named.bounds("context.name"), range(Some((json!("Ad"), true)), Some((json!("Ae"), false))));
    assert_eq!(named.bounds("context.age"), Some(Bounds::Equal(vec![json!(1), json!(3)])));
    let every = filter(tags().all(["a", "b"]));
    assert_eq!(every.bounds("context.tags"), Some(Bounds::Equal(vec![json!("a")])));
}

#[test]
fn what_the_compiler_cannot_see_is_an_error_of_the_filter() {
    let error = |condition| Filter::try_from(condition).unwrap_err();
    let share = Field::<User, f32>::new("context.share");
    assert_eq!(
        error(share.gt(f32::NAN)).to_string(),
        "the value compared with `context.share` cannot be stored in a document: `NaN` is no number that JSON has"
    );
    let shares = Field::<User, Vec<f64>>::new("context.shares");
    for condition in [
        shares.contains(f64::NAN),
        shares.all([1.0, f64::NAN]),
        shares.eq([f64::NAN]),
        shares.elem_match(|share| share.gt(f64::NAN)),
        shares.elem_match(|share| share.gt(1.0).is_in([f64::NAN])),
    ] {
        assert!(
            matches!(error(condition), FilterError::NoStoredForm { path, .. } if path == "context.shares")
        );
    }
    assert!(matches!(error(name().regex("(")), FilterError::BadRegex { .. }));
    assert!(matches!(error(age().has_type("text")), FilterError::WrongOperand { .. }));
    assert!(matches!(error(age().rem(0, 1)), FilterError::WrongOperand { .. }));
    assert!(matches!(error(age().at("a..b").eq(1)), FilterError::EmptySegment { .. }));
    assert!(matches!(error(homes().contains(json!({"$oid": 1}))), FilterError::ExtendedJson { .. }));
}

#[test]
fn sort_keys_have_the_path() {
    assert_eq!(age().ascending(), SortKey { path: "context.age".into(), descending: false });
    assert_eq!(
        homes().at("city").descending(),
        SortKey { path: "context.homes.city".into(), descending: true }
    );
}
