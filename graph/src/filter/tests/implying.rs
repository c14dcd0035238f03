//! Filters that are sure to want no more than others.

use serde_json::json;

use crate::filter::Filter;

#[test]
fn a_filter_implies_what_it_repeats() {
    let filter = |json| Filter::parse(&json).unwrap();
    let partial = filter(json!({"context.active": true, "context.age": {"$gt": 3}}));
    for (query, implies) in [
        (json!({"context.active": true, "context.age": {"$gt": 3}, "context.name": "x"}), true),
        (json!({"$and": [{"context.active": {"$eq": true}}, {"$and": [{"context.age": {"$gt": 3}}]}]}), true),
        (json!({"context.active": true}), false),
        (json!({"context.active": true, "context.age": {"$gt": 4}}), false),
        (json!({"$or": [{"context.active": true, "context.age": {"$gt": 3}}]}), false),
        (json!({}), false),
    ] {
        assert_eq!(filter(query.clone()).implies(&partial), implies, "{query}");
    }
    assert!(Filter::all().implies(&Filter::all()) && partial.implies(&Filter::all()));
    assert!(partial.is_about_fields() && Filter::all().is_about_fields());
    assert!(!filter(json!({"context.a": 1, "entity": "B"})).is_about_fields());
}
