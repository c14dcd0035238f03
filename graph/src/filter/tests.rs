//! What filters match. Every row of the tables was checked against MongoDB 6.0.5.

mod implying;

use serde_json::{Value, json};

use super::*;
use crate::id::Id;

/// A filter, documents that satisfy it, and documents that do not.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

fn check(rows: &[Row]) {
    for (text, matching, others) in rows {
        let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected =
            matching.iter().map(|text| (text, true)).chain(others.iter().map(|text| (text, false)));
        for (document, expected) in expected {
            let value: Value = serde_json::from_str(document).unwrap();
            assert_eq!(filter.matches_value(&value), expected, "{text} on {document}");
        }
    }
}

#[test]
fn equality_looks_at_the_whole_value_and_at_elements() {
    check(&[
        (
            r#"{"a": 1}"#,
            &[r#"{"a": 1}"#, r#"{"a": 1.0}"#, r#"{"a": [2, 1]}"#],
            &[r#"{}"#, r#"{"a": "1"}"#, r#"{"a": [[1]]}"#, r#"{"a": true}"#],
        ),
        (
            r#"{"a": [1, 2]}"#,
            &[r#"{"a": [1, 2]}"#, r#"{"a": [[1, 2], 3]}"#],
            &[r#"{"a": [2, 1]}"#, r#"{"a": [1, 2, 3]}"#, r#"{"a": 1}"#],
        ),
        (r#"{"a": []}"#, &[r#"{"a": []}"#, r#"{"a": [[]]}"#], &[r#"{}"#, r#"{"a": [1]}"#, r#"{"a": null}"#]),
        (r#"{"a": {}}"#, &[r#"{"a": {}}"#, r#"{"a": [1, {}]}"#], &[r#"{"a": {"b": 1}}"#, r#"{}"#]),
        (
            r#"{"a": {"b": 1, "c": 2}}"#,
            &[r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": [{"b": 1.0, "c": 2}]}"#],
            &[r#"{"a": {"c": 2, "b": 1}}"#, r#"{"a": {"b": 1}}"#, r#"{"a": {"b": 1, "c": 2, "d": 3}}"#],
        ),
        (r#"{"a": {"b": {"$gt": 1}}}"#, &[], &[r#"{"a": {"b": 2}}"#]),
        (
            r#"{"a": {"$eq": {"$ref": "n", "$id": 1}}}"#,
            &[r#"{"a": {"$ref": "n", "$id": 1}}"#],
            &[r#"{"a": 1}"#],
        ),
        (r#"{"a": {"$ref": "n", "$id": 1}}"#, &[r#"{"a": {"$ref": "n", "$id": 1}}"#], &[r#"{"a": 1}"#]),
        (
            r#"{"a": 9007199254740993}"#,
            &[r#"{"a": 9007199254740993}"#],
            &[r#"{"a": 9007199254740992.0}"#, r#"{"a": 9007199254740992}"#],
        ),
        (r#"{"a": 0}"#, &[r#"{"a": -0.0}"#], &[r#"{"a": false}"#, r#"{"a": ""}"#]),
        (r#"{}"#, &[r#"{}"#, r#"{"a": 1}"#], &[]),
        (r#"{"$comment": "for the log", "a": 1}"#, &[r#"{"a": 1}"#], &[r#"{"a": 2}"#]),
    ]);
}

#[test]
fn null_means_missing_too_but_not_behind_arrays() {
    check(&[
        (
            r#"{"a": null}"#,
            &[r#"{}"#, r#"{"a": null}"#, r#"{"a": [1, null]}"#],
            &[r#"{"a": []}"#, r#"{"a": 0}"#, r#"{"a": [[null]]}"#],
        ),
        (
            r#"{"a": {"$ne": null}}"#,
            &[r#"{"a": 1}"#, r#"{"a": []}"#],
            &[r#"{}"#, r#"{"a": null}"#, r#"{"a": [null]}"#],
        ),
        (r#"{"a": {"$in": [null, 7]}}"#, &[r#"{}"#, r#"{"a": [null]}"#, r#"{"a": 7}"#], &[r#"{"a": 1}"#]),
        (r#"{"a": {"$nin": [null]}}"#, &[r#"{"a": 1}"#, r#"{"a": []}"#], &[r#"{}"#, r#"{"a": null}"#]),
        (r#"{"a": {"$gte": null}}"#, &[r#"{}"#, r#"{"a": null}"#, r#"{"a": [null]}"#], &[r#"{"a": 1}"#]),
        (r#"{"a": {"$gt": null}}"#, &[], &[r#"{}"#, r#"{"a": null}"#, r#"{"a": 1}"#]),
        (
            r#"{"a.b": null}"#,
            &[r#"{}"#, r#"{"a": 1}"#, r#"{"a": null}"#, r#"{"a": {}}"#, r#"{"a": [{"b": 1}, {}]}"#],
            &[
                r#"{"a": []}"#,
                r#"{"a": [1, 2]}"#,
                r#"{"a": [null]}"#,
                r#"{"a": [{"b": 1}]}"#,
                r#"{"a": [[{}]]}"#,
            ],
        ),
        (
            r#"{"a.0": null}"#,
            &[r#"{}"#, r#"{"a": [null]}"#, r#"{"a": [{"b": 1}]}"#, r#"{"a": "x"}"#],
            &[r#"{"a": []}"#, r#"{"a": [1]}"#, r#"{"a": [[null]]}"#],
        ),
        (
            r#"{"a": {"$all": [null]}}"#,
            &[r#"{}"#, r#"{"a": null}"#, r#"{"a": [null]}"#],
            &[r#"{"a": 1}"#, r#"{"a": []}"#],
        ),
    ]);
}

#[test]
fn paths_descend_into_arrays_and_count_out_elements() {
    check(&[
        (
            r#"{"a.b": 1}"#,
            &[r#"{"a": {"b": 1}}"#, r#"{"a": [1, {"b": 1}]}"#, r#"{"a": [{"b": [1, 2]}]}"#],
            &[r#"{"a": [[{"b": 1}]]}"#, r#"{"a": [{"c": 1}]}"#],
        ),
        (r#"{"a.b.c": 1}"#, &[r#"{"a": [{"b": [{"c": 1}]}]}"#], &[r#"{"a": [{"b": [[{"c": 1}]]}]}"#]),
        (
            r#"{"a.0": 1}"#,
            &[r#"{"a": [1, 2]}"#, r#"{"a": {"0": 1}}"#, r#"{"a": [{"0": 1}]}"#],
            &[r#"{"a": [2, 1]}"#, r#"{"a": [[1]]}"#, r#"{"a": 1}"#],
        ),
        (r#"{"a.0": [1, 2]}"#, &[r#"{"a": [[1, 2]]}"#], &[r#"{"a": [1, 2]}"#]),
        (
            r#"{"a.0.b": 1}"#,
            &[r#"{"a": [{"b": 1}]}"#, r#"{"a": [[{"b": 1}]]}"#, r#"{"a": [{"0": {"b": 1}}]}"#],
            &[r#"{"a": [0, {"b": 1}]}"#],
        ),
        (
            r#"{"a.0.0": 1}"#,
            &[r#"{"a": [[1, 2]]}"#, r#"{"a": [{"0": 1}]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": [[2, 1]]}"#],
        ),
        (r#"{"a.00": 1}"#, &[r#"{"a": {"00": 1}}"#], &[r#"{"a": [1]}"#]),
        (
            r#"{"a.b": {"$ne": 1}}"#,
            &[r#"{}"#, r#"{"a": []}"#, r#"{"a": [[{"b": 1}]]}"#, r#"{"a": [{"b": 2}]}"#],
            &[r#"{"a": [{"b": 2}, {"b": 1}]}"#],
        ),
    ]);
}

#[test]
fn comparisons_stay_within_one_type() {
    check(&[
        (
            r#"{"a": {"$gt": 1}}"#,
            &[r#"{"a": 1.5}"#, r#"{"a": [0, 2]}"#],
            &[r#"{"a": 1}"#, r#"{"a": "x"}"#, r#"{"a": true}"#, r#"{}"#, r#"{"a": [[5]]}"#],
        ),
        (
            r#"{"a": {"$gt": 1, "$lt": 5}}"#,
            &[r#"{"a": 3}"#, r#"{"a": [0, 9]}"#],
            &[r#"{"a": 5}"#, r#"{"a": [9]}"#],
        ),
        (
            r#"{"a": {"$gte": "b"}}"#,
            &[r#"{"a": "b"}"#, r#"{"a": "é"}"#],
            &[r#"{"a": "a"}"#, r#"{"a": "B"}"#, r#"{"a": 9}"#],
        ),
        (r#"{"a": {"$gt": false}}"#, &[r#"{"a": true}"#], &[r#"{"a": false}"#, r#"{"a": 1}"#]),
        (r#"{"a": {"$gt": []}}"#, &[r#"{"a": [1]}"#, r#"{"a": [[]]}"#], &[r#"{"a": []}"#, r#"{"a": 1}"#]),
        (
            r#"{"a": {"$gte": [1]}}"#,
            &[r#"{"a": [1, 0]}"#, r#"{"a": ["x"]}"#, r#"{"a": [0, [2]]}"#],
            &[r#"{"a": [null, 5]}"#, r#"{"a": []}"#, r#"{"a": [0, 5]}"#],
        ),
        (
            r#"{"a": {"$lte": {"b": 1}}}"#,
            &[r#"{"a": {}}"#, r#"{"a": {"b": 1}}"#, r#"{"a": {"0": 1}}"#, r#"{"a": {"z": null}}"#],
            &[r#"{"a": {"b": 1, "c": 1}}"#, r#"{"a": {"a": "x"}}"#, r#"{"a": {"c": 0}}"#],
        ),
        (
            r#"{"a": {"$lt": 9007199254740993}}"#,
            &[r#"{"a": 9007199254740992.0}"#],
            &[r#"{"a": 9007199254740994.0}"#, r#"{"a": 9007199254740993}"#],
        ),
    ]);
}

#[test]
fn negations_hold_for_what_is_missing() {
    check(&[
        (
            r#"{"a": {"$ne": 1}}"#,
            &[r#"{}"#, r#"{"a": 2}"#, r#"{"a": [2]}"#],
            &[r#"{"a": 1}"#, r#"{"a": [2, 1]}"#],
        ),
        (
            r#"{"a": {"$nin": [1, "x"]}}"#,
            &[r#"{}"#, r#"{"a": [2]}"#, r#"{"a": []}"#],
            &[r#"{"a": ["x", 2]}"#],
        ),
        (r#"{"a": {"$nin": []}}"#, &[r#"{}"#, r#"{"a": 1}"#], &[]),
        (
            r#"{"a": {"$not": {"$gt": 1}}}"#,
            &[r#"{}"#, r#"{"a": 1}"#, r#"{"a": "x"}"#],
            &[r#"{"a": 2}"#, r#"{"a": [0, 2]}"#],
        ),
        (
            r#"{"a": {"$not": {"$gt": 1, "$lt": 5}}}"#,
            &[r#"{"a": 7}"#, r#"{"a": [7, 8]}"#],
            &[r#"{"a": 3}"#, r#"{"a": [0, 7]}"#],
        ),
        (r#"{"a": {"$not": {"$not": {"$gt": 1}}}}"#, &[r#"{"a": 2}"#], &[r#"{"a": 1}"#, r#"{}"#]),
        (
            r#"{"a": {"$not": {"$regex": "^x"}}}"#,
            &[r#"{}"#, r#"{"a": 1}"#, r#"{"a": "y"}"#],
            &[r#"{"a": "xy"}"#, r#"{"a": ["y", "x"]}"#],
        ),
        (r#"{"a": {"$not": {"$size": 0}}}"#, &[r#"{}"#, r#"{"a": 1}"#, r#"{"a": [0]}"#], &[r#"{"a": []}"#]),
        (
            r#"{"a": {"$not": {"$elemMatch": {"$gt": 1}}}}"#,
            &[r#"{}"#, r#"{"a": 5}"#, r#"{"a": [1]}"#],
            &[r#"{"a": [5]}"#],
        ),
    ]);
}

#[test]
fn filters_combine() {
    check(&[
        (r#"{"$or": [{"a": 1}, {"b": 1}]}"#, &[r#"{"a": 1}"#, r#"{"b": 1}"#], &[r#"{}"#]),
        (r#"{"$nor": [{"a": 1}, {"b": 1}]}"#, &[r#"{}"#], &[r#"{"a": 1}"#, r#"{"b": 1}"#]),
        (
            r#"{"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 3}}], "b": 1}"#,
            &[r#"{"a": 2, "b": 1}"#],
            &[r#"{"a": 2}"#, r#"{"a": 3, "b": 1}"#],
        ),
        (r#"{"$or": [{}]}"#, &[r#"{}"#], &[]),
        (r#"{"$nor": [{}]}"#, &[], &[r#"{}"#, r#"{"a": 1}"#]),
        (r#"{"$and": [{"$comment": "x"}, {"a": 1}]}"#, &[r#"{"a": 1}"#], &[r#"{"a": 2}"#]),
    ]);
}

#[test]
fn membership_existence_and_type() {
    check(&[
        (
            r#"{"a": {"$in": [3, "x", [1], {"b": 1}]}}"#,
            &[r#"{"a": 3.0}"#, r#"{"a": ["x"]}"#, r#"{"a": [1]}"#, r#"{"a": [{"b": 1}]}"#],
            &[r#"{"a": 1}"#, r#"{"a": [[[1]]]}"#, r#"{}"#],
        ),
        (r#"{"a": {"$in": []}}"#, &[], &[r#"{}"#, r#"{"a": []}"#]),
        (r#"{"a": {"$exists": true}}"#, &[r#"{"a": null}"#, r#"{"a": []}"#], &[r#"{}"#]),
        (r#"{"a": {"$exists": 0}}"#, &[r#"{}"#], &[r#"{"a": null}"#]),
        (r#"{"a": {"$exists": "no"}}"#, &[r#"{"a": 1}"#], &[r#"{}"#]),
        (
            r#"{"a.b": {"$exists": true}}"#,
            &[r#"{"a": [{}, {"b": null}]}"#],
            &[r#"{"a": [{}, 1]}"#, r#"{"a": []}"#, r#"{"a": [[{"b": 1}]]}"#],
        ),
        (
            r#"{"a.b": {"$exists": false}}"#,
            &[r#"{"a": []}"#, r#"{"a": 1}"#, r#"{"a": [{}]}"#],
            &[r#"{"a": [{"b": 1}, {}]}"#],
        ),
        (r#"{"a.1": {"$exists": true}}"#, &[r#"{"a": [1, 2]}"#, r#"{"a": {"1": 0}}"#], &[r#"{"a": [1]}"#]),
        (
            r#"{"a": {"$type": "int"}}"#,
            &[r#"{"a": 2147483647}"#, r#"{"a": ["x", 1]}"#],
            &[r#"{"a": 2147483648}"#, r#"{"a": 1.0}"#],
        ),
        (r#"{"a": {"$type": "long"}}"#, &[r#"{"a": -2147483649}"#], &[r#"{"a": 1}"#, r#"{"a": 3e10}"#]),
        (r#"{"a": {"$type": 1}}"#, &[r#"{"a": 1.0}"#], &[r#"{"a": 1}"#]),
        (
            r#"{"a": {"$type": "number"}}"#,
            &[r#"{"a": 1}"#, r#"{"a": 0.5}"#, r#"{"a": 2147483648}"#],
            &[r#"{"a": "1"}"#],
        ),
        (
            r#"{"a": {"$type": ["bool", 10]}}"#,
            &[r#"{"a": true}"#, r#"{"a": null}"#],
            &[r#"{}"#, r#"{"a": 0}"#],
        ),
        (r#"{"a": {"$type": "array"}}"#, &[r#"{"a": []}"#, r#"{"a": [[]]}"#], &[r#"{"a": {}}"#]),
        (r#"{"a": {"$type": "object"}}"#, &[r#"{"a": {}}"#, r#"{"a": [{}]}"#], &[r#"{"a": []}"#]),
        (r#"{"a": {"$type": "date"}}"#, &[], &[r#"{"a": "2024-01-01"}"#]),
    ]);
}

#[test]
fn operators_on_arrays() {
    check(&[
        (
            r#"{"a": {"$size": 2}}"#,
            &[r#"{"a": [1, 2]}"#],
            &[r#"{"a": [[1, 2]]}"#, r#"{"a": "ab"}"#, r#"{}"#, r#"{"a": {"0": 1, "1": 2}}"#],
        ),
        (r#"{"a": {"$size": 0.0}}"#, &[r#"{"a": []}"#], &[r#"{}"#]),
        (r#"{"a.b": {"$size": 1}}"#, &[r#"{"a": [{"b": [1]}]}"#], &[r#"{"a": [{"b": 1}]}"#]),
        (r#"{"a.0": {"$size": 1}}"#, &[r#"{"a": [[1]]}"#], &[r#"{"a": [1]}"#]),
        (r#"{"a": {"$all": [1, 2]}}"#, &[r#"{"a": [2, 3, 1]}"#], &[r#"{"a": [1]}"#, r#"{"a": 1}"#]),
        (r#"{"a": {"$all": [1]}}"#, &[r#"{"a": 1}"#, r#"{"a": [1]}"#], &[r#"{"a": [[1]]}"#]),
        (r#"{"a": {"$all": [[1, 2]]}}"#, &[r#"{"a": [1, 2]}"#, r#"{"a": [[1, 2]]}"#], &[r#"{"a": [2, 1]}"#]),
        (r#"{"a": {"$all": []}}"#, &[], &[r#"{}"#, r#"{"a": []}"#]),
        (
            r#"{"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"c": 2}}]}}"#,
            &[r#"{"a": [{"b": 1}, {"c": 2}]}"#, r#"{"a": [{"b": 1, "c": 2}]}"#],
            &[r#"{"a": [{"b": 1}]}"#, r#"{"a": {"b": 1, "c": 2}}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}"#,
            &[r#"{"a": [0, 3]}"#],
            &[r#"{"a": [0, 9]}"#, r#"{"a": 3}"#, r#"{"a": [[3]]}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"b": 1, "c": {"$gt": 1}}}}"#,
            &[r#"{"a": [{"b": 1, "c": 2}]}"#],
            &[r#"{"a": [{"b": 1}, {"c": 2}]}"#, r#"{"a": {"b": 1, "c": 2}}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {}}}"#,
            &[r#"{"a": [{}]}"#, r#"{"a": [[]]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": []}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"0": 1}}}"#,
            &[r#"{"a": [[1]]}"#, r#"{"a": [[[1]]]}"#, r#"{"a": [{"0": 1}]}"#],
            &[r#"{"a": [1]}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"b": null}}}"#,
            &[r#"{"a": [{}]}"#, r#"{"a": [[]]}"#],
            &[r#"{"a": [1, null]}"#, r#"{"a": [{"b": 1}]}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"$or": [{"b": 1}, {"c": 1}]}}}"#,
            &[r#"{"a": [{"c": 1}]}"#],
            &[r#"{"a": [{"d": 1}]}"#],
        ),
        (r#"{"a": {"$elemMatch": {"$elemMatch": {"$gt": 1}}}}"#, &[r#"{"a": [[0, 2]]}"#], &[r#"{"a": [2]}"#]),
        (
            r#"{"a": {"$elemMatch": {"$not": {"$gt": 0}}}}"#,
            &[r#"{"a": [1, null]}"#, r#"{"a": [[5]]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": []}"#],
        ),
        (r#"{"a": {"$elemMatch": {"$ne": 1}}}"#, &[r#"{"a": [1, 2]}"#], &[r#"{"a": [1]}"#, r#"{"a": 2}"#]),
        (r#"{"a": {"$elemMatch": {"$exists": false}}}"#, &[], &[r#"{"a": [null]}"#, r#"{}"#]),
        (r#"{"a.b": {"$elemMatch": {"$gt": 1}}}"#, &[r#"{"a": [{"b": [2]}]}"#], &[r#"{"a": [{"b": 2}]}"#]),
        (r#"{"a.0": {"$elemMatch": {"$gt": 1}}}"#, &[r#"{"a": [[2]]}"#], &[r#"{"a": [2]}"#]),
    ]);
}

#[test]
fn remainders_are_cut_towards_zero() {
    check(&[
        (
            r#"{"a": {"$mod": [3, 1]}}"#,
            &[r#"{"a": 4}"#, r#"{"a": 4.9}"#, r#"{"a": [0, 7]}"#],
            &[r#"{"a": 3}"#, r#"{"a": -4}"#, r#"{"a": "4"}"#, r#"{}"#, r#"{"a": 1e300}"#],
        ),
        (r#"{"a": {"$mod": [3, -1]}}"#, &[r#"{"a": -4}"#, r#"{"a": -4.9}"#], &[r#"{"a": 2}"#]),
        (r#"{"a": {"$mod": [-3, 1]}}"#, &[r#"{"a": 4}"#], &[r#"{"a": -4}"#]),
        (r#"{"a": {"$mod": [2.9, 1.9]}}"#, &[r#"{"a": 3}"#, r#"{"a": 1.5}"#], &[r#"{"a": 2}"#]),
        (
            r#"{"a": {"$mod": [-1, 0]}}"#,
            &[r#"{"a": -9223372036854775808}"#],
            &[r#"{"a": 9223372036854775808.0}"#],
        ),
    ]);
}

#[test]
fn patterns_read_as_pcre_reads_them() {
    check(&[
        (
            r#"{"a": {"$regex": "^ab"}}"#,
            &[r#"{"a": "abc"}"#, r#"{"a": [1, "ab"]}"#],
            &[r#"{"a": "AB"}"#, r#"{"a": 1}"#, r#"{}"#],
        ),
        (r#"{"a": {"$options": "i", "$regex": "^AB"}}"#, &[r#"{"a": "abc"}"#], &[r#"{"a": "xab"}"#]),
        (r#"{"a": {"$regex": "^b$", "$options": "m"}}"#, &[r#"{"a": "a\nb"}"#], &[r#"{"a": "ab"}"#]),
        (r#"{"a": {"$regex": "a.b", "$options": "s"}}"#, &[r#"{"a": "a\nb"}"#], &[r#"{"a": "ab"}"#]),
        (r#"{"a": {"$regex": "a.b"}}"#, &[r#"{"a": "axb"}"#], &[r#"{"a": "a\nb"}"#]),
        (r#"{"a": {"$regex": "a b # both\n", "$options": "x"}}"#, &[r#"{"a": "ab"}"#], &[r#"{"a": "a b"}"#]),
        (r#"{"a": {"$regex": "a[ ]b", "$options": "x"}}"#, &[r#"{"a": "a b"}"#], &[r#"{"a": "ab"}"#]),
        (
            r#"{"a": {"$regex": "x$"}}"#,
            &[r#"{"a": "x"}"#, r#"{"a": "x\n"}"#],
            &[r#"{"a": "x\n\n"}"#, r#"{"a": "xy"}"#],
        ),
        (r#"{"a": {"$regex": "^\\d$"}}"#, &[r#"{"a": "1"}"#], &[r#"{"a": "٣"}"#]),
        (
            r#"{"a": {"$regex": "^\\w$", "$options": "i"}}"#,
            &[r#"{"a": "k"}"#],
            &[r#"{"a": "é"}"#, r#"{"a": "ſ"}"#],
        ),
        (r#"{"a": {"$regex": "^\\x{e9}\\bx"}}"#, &[r#"{"a": "éx"}"#], &[r#"{"a": "ex"}"#]),
        (r#"{"a": {"$regex": "^[a&&b]+$"}}"#, &[r#"{"a": "a&b"}"#], &[r#"{"a": "c"}"#]),
        (r#"{"a": {"$regex": "é", "$options": "i"}}"#, &[r#"{"a": "É"}"#], &[r#"{"a": "e"}"#]),
        (r#"{"a": {"$regex": "\\Qa.b\\E"}}"#, &[r#"{"a": "a.b"}"#], &[r#"{"a": "axb"}"#]),
        (r#"{"a": {"$regex": "a{,2}\\/\\<"}}"#, &[r#"{"a": "a{,2}/<"}"#], &[r#"{"a": "aa/<"}"#]),
        (
            r#"{"a": {"$regex": "x", "$gt": "y"}}"#,
            &[r#"{"a": "yx"}"#, r#"{"a": ["x", "z"]}"#],
            &[r#"{"a": "x"}"#],
        ),
    ]);
}

#[test]
fn documents_are_addressed_by_their_json_form() {
    let json = json!({
        "id": "e.Road.r1", "entity": "Road", "context": {"km": [3, 4.5], "at": {"lat": 1}},
        "source": "n.City.a", "target": "n.City.b", "bidirectional": true, "_version": 4, "owner": {"name": "x"},
    });
    let document = Document::from_json(json.clone()).unwrap();
    for (filter, expected) in [
        (r#"{"id": "e.Road.r1"}"#, true),
        (r#"{"entity": {"$in": ["Road", "Rail"]}}"#, true),
        (r#"{"_version": {"$gte": 4}}"#, true),
        (r#"{"source": "n.City.a", "target": {"$regex": "^n\\.City\\."}, "bidirectional": true}"#, true),
        (r#"{"context.km": 4.5, "context.km.0": 3, "context.at.lat": 1, "context.at": {"lat": 1}}"#, true),
        (r#"{"context": {"km": [3, 4.5], "at": {"lat": 1}}}"#, true),
        (r#"{"owner.name": "x"}"#, true),
        (r#"{"km": 3}"#, false),
        (r#"{"km": null, "context.none": null, "context.at.lon": null}"#, true),
        (r#"{"context.km.lat": null}"#, false),
    ] {
        let filter: Filter = filter.parse().unwrap();
        assert_eq!(filter.matches(&document), expected, "{filter}");
        assert_eq!(filter.matches_value(&json), expected, "{filter}");
    }
    let filter: Filter = r#"{"_id": "e.Road.r1"}"#.parse().unwrap();
    assert!(filter.matches(&document));
}

#[test]
fn damaged_and_missing_parts_are_missing() {
    let id: Id = "n.City.a".parse().unwrap();
    let document = Document::new(id, crate::body::Body::from_stored(b"\xc1"));
    assert!("{\"context.a\": null, \"source\": null}".parse::<Filter>().unwrap().matches(&document));
    assert!(!"{\"context.a\": {\"$exists\": true}}".parse::<Filter>().unwrap().matches(&document));
    assert!("{\"a\": null}".parse::<Filter>().unwrap().matches_value(&json!(3)));
}

#[test]
fn a_filter_gives_its_json_back() {
    let text = r#"{"$comment":"x","a":{"$in":[3,1,2]},"$or":[{"b":{"c":1,"d":2}},{"e":1.0}]}"#;
    let filter: Filter = text.parse().unwrap();
    assert_eq!(filter.to_string(), text);
    assert_eq!(format!("{filter:?}"), format!("Filter({text})"));
    assert_eq!(serde_json::to_string(&filter).unwrap(), text);
    assert_eq!(serde_json::from_str::<Filter>(text).unwrap(), filter);
    assert_eq!(Filter::parse(&filter.to_value()).unwrap(), filter);
    assert_eq!(serde_json::to_string(&Filter::all()).unwrap(), "{}");
    let error = serde_json::from_str::<Filter>(r#"{"a": {"$zzz": 1}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown operator `$zzz`"), "{error}");
}

#[test]
fn filters_are_equal_when_their_json_is() {
    let parse = |text: &str| text.parse::<Filter>().unwrap();
    assert_eq!(parse("{}"), Filter::all());
    assert_eq!(Filter::default(), Filter::all());
    assert_ne!(parse(r#"{"a": {"b": 1, "c": 2}}"#), parse(r#"{"a": {"c": 2, "b": 1}}"#));
    assert_ne!(parse(r#"{"a": 1}"#), Filter::all());
}

#[test]
fn filters_that_ask_for_nothing_are_all() {
    for (text, expected) in [
        ("{}", true),
        (r#"{"$comment": "x"}"#, true),
        (r#"{"$and": [{}, {"$and": [{}]}]}"#, true),
        (r#"{"a": {"$exists": true}}"#, false),
        (r#"{"$nor": [{}]}"#, false),
    ] {
        assert_eq!(text.parse::<Filter>().unwrap().is_all(), expected, "{text}");
    }
    assert!(Filter::all().is_all());
}

#[test]
fn only_ids_versions_and_ends_are_known_without_decoding() {
    for (text, expected) in [
        ("{}", false),
        (r#"{"_id": "n.A.b", "entity": "A", "_version": 1, "bidirectional": true}"#, false),
        (r#"{"$or": [{"source": "n.A.b"}, {"$nor": [{"target": {"$ne": "n.A.b"}}]}]}"#, false),
        (r#"{"id": "n.A.b", "context.a": 1}"#, true),
        (r#"{"$and": [{"$or": [{"id": "n.A.b"}, {"$nor": [{"owner.name": 1}]}]}]}"#, true),
        (r#"{"context": {"$exists": true}}"#, true),
    ] {
        assert_eq!(text.parse::<Filter>().unwrap().decodes_fields(), expected, "{text}");
    }
}

#[test]
fn filters_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Filter>();
}
