//! Figures over neighbourhoods and over all nodes: `neighbourhood_aggregates`, `group_by`.

use serde_json::{Value, json};
use wayfare::walkers::{Aggregate, Aggregated};
use wayfare::{Along, EntityName, Filter, Kind, Query, Runtime};

use super::breadth_first::what;
use super::check::Check;
use super::command::Command;
use super::subject::{Subject, direction, whole};

const FAMILY: &str = "neighbourhood_aggregates";

/// Groups that are counted by a query of their own.
const GROUPS: usize = 5;

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let rows = subject.rows(FAMILY);
    let asked = rows.clone().map(|row| (aggregate(row), subject.id(&row["source"]), None)).collect();
    for (row, aggregate) in rows.zip(subject.walk(runtime, asked).await) {
        let found = serde_json::to_value(&aggregate.result).unwrap();
        compare(check, row, &found, aggregate.grouped);
    }
    group_by(subject, runtime, check).await;
}

pub fn through_command(subject: &Subject, command: &Command, rows: usize, check: &mut Check) {
    // Each property of a graph has rows of its own, one after another.
    let mut told = std::collections::HashMap::<String, usize>::new();
    for row in subject.rows(FAMILY) {
        let count = told.entry(field(row)).or_default();
        *count += 1;
        if *count > rows {
            continue;
        }
        let is_grouped = row.get("groups").is_some();
        let op = if is_grouped { "groups" } else { "mean" };
        let (field, hops) = (field(row), whole(&row["hops"]).to_string());
        let found =
            command.walk("aggregate", subject, row, &["--field", &field, "--hops", &hops, "--op", op]);
        compare(check, row, &found, is_grouped);
        let value = if is_grouped { &found["groups"] } else { &found["mean"] };
        check.same(FAMILY, what(row), "value of the operation", value, &found["value"]);
    }
}

fn field(row: &Value) -> String {
    format!("context.{}", row["attr"].as_str().expect("the row names a property"))
}

fn aggregate(row: &Value) -> Aggregate {
    Aggregate {
        field: field(row),
        hops: Some(u32::try_from(whole(&row["hops"])).unwrap()),
        along: Along::All,
        direction: direction(row),
        grouped: row.get("groups").is_some(),
        result: Aggregated::default(),
    }
}

fn compare(check: &mut Check, row: &Value, found: &Value, is_grouped: bool) {
    let what = format!("of {} {}", row["attr"], what(row));
    check.same(FAMILY, &what, "nodes", &row["nodes"], &found["nodes"]);
    check.same(FAMILY, &what, "with_attr", &row["with_attr"], &found["with_field"]);
    if is_grouped {
        let groups = found["groups"].as_object().cloned().unwrap_or_default();
        let mut groups: Vec<(String, u64)> =
            groups.iter().map(|(name, count)| (name.clone(), whole(count))).collect();
        check.same(FAMILY, &what, "distinct", &row["distinct"], &json!(groups.len()));
        groups.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        groups.truncate(15);
        check.same(FAMILY, &what, "groups", &named_groups(&row["groups"]), &groups);
        return;
    }
    for part in ["sum", "mean", "min", "max"] {
        check.number(FAMILY, &what, part, &row[part], &found[part]);
    }
}

/// Groups with the texts that JSON gives to their values.
fn named_groups(groups: &Value) -> Vec<(String, u64)> {
    let groups = groups.as_array().expect("groups are a list").iter();
    groups.map(|group| (text_of(&group[0]), whole(&group[1]))).collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Counts the largest groups by queries.
async fn group_by(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let entities: Vec<&String> =
        subject.reference["counts"]["node_types"].as_object().expect("types are counted").keys().collect();
    for spec in subject.reference["group_by"].as_array().into_iter().flatten() {
        let by = spec["by"].as_str().expect("the grouping names a property");
        for group in spec["rows"].as_array().expect("the grouping has rows").iter().take(GROUPS) {
            let filter = json!({(format!("context.{by}")): {"$in": readings(group[0].as_str().unwrap())}});
            let mut count = 0;
            for entity in entities.iter().filter(|entity| spec["type"].is_null() || spec["type"] == ***entity)
            {
                let query = Query::entity(Kind::Node, EntityName::new(entity).unwrap());
                let filter = Filter::parse(&filter).unwrap();
                count += runtime.graph().count(Query { filter, ..query }).await.unwrap();
            }
            check.same("group_by", format!("{by} is {}", group[0]), "count", &group[1], &json!(count));
        }
    }
}

/// The values whose text the reference may have written so.
fn readings(text: &str) -> Vec<Value> {
    let mut readings = vec![json!(text)];
    readings.extend(text.parse::<i64>().map(Value::from));
    readings.extend(match text {
        "True" => Some(json!(true)),
        "False" => Some(json!(false)),
        _ => None,
    });
    readings
}
