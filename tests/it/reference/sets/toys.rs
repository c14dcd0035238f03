//! The toy graphs of TinkerPop, in GraphML and GraphSON.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::reference::data::text;
use crate::reference::loading::{Records, node};

pub fn modern(data: &Path) -> Records {
    graphml(&text(data, "tinkerpop-modern.xml"))
}

pub fn modern_json(data: &Path) -> Records {
    graphson(&text(data, "tinkerpop-modern.json"))
}

pub fn classic(data: &Path) -> Records {
    graphml(&text(data, "tinkerpop-classic.xml"))
}

pub fn crew(data: &Path) -> Records {
    graphson(&text(data, "tinkerpop-crew.json"))
}

/// Reads the part of GraphML that these files use: one line, no entities, every element closed.
fn graphml(text: &str) -> Records {
    let types: HashMap<&str, &str> = elements(text, "key")
        .map(|(head, _)| (attribute(head, "id"), attribute(head, "attr.type")))
        .collect();
    let fields = |body: &str| {
        let data = elements(body, "data").map(|(head, text)| {
            let name = attribute(head, "key");
            let value = match types[name] {
                "string" => json!(text),
                _ => serde_json::from_str(text).unwrap(),
            };
            (name.to_owned(), value)
        });
        data.collect::<Map<String, Value>>()
    };
    let mut records = Records::default();
    let mut ids = HashMap::new();
    for (head, body) in elements(text, "node") {
        let mut fields = fields(body);
        let entity = fields.remove("labelV").unwrap_or_else(|| json!("vertex"));
        let name = attribute(head, "id");
        let id = node(entity.as_str().unwrap(), name);
        ids.insert(name, id.clone());
        records.node(id, Value::Object(fields));
    }
    for (head, body) in elements(text, "edge") {
        let mut fields = fields(body);
        let entity = entity(fields.remove("labelE").unwrap().as_str().unwrap());
        let [source, target] = ["source", "target"].map(|end| &ids[attribute(head, end)]);
        records.edge(entity, source, target, Value::Object(fields));
    }
    records
}

/// The attributes and the content of every element of a name.
fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let (open, close) = (format!("<{name} "), format!("</{name}>"));
    let rest: Vec<&str> = text.split(&open).skip(1).collect();
    rest.into_iter().map(move |rest| {
        let (element, _) = rest.split_once(&close).expect("the element is closed");
        element.split_once('>').expect("the element has a head")
    })
}

fn attribute<'a>(head: &'a str, name: &str) -> &'a str {
    let (_, rest) =
        head.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no `{name}` in `{head}`"));
    rest.split('"').next().expect("the attribute is closed")
}

/// Reads GraphSON 3, a node a line with its edges; edges are taken in the order of their ids.
fn graphson(text: &str) -> Records {
    let mut records = Records::default();
    let mut edges = Vec::new();
    let mut ids = HashMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let vertex = untyped(serde_json::from_str(line).unwrap());
        let id = node(vertex["label"].as_str().unwrap(), &vertex["id"]);
        ids.insert(vertex["id"].to_string(), id.clone());
        let properties = vertex["properties"].as_object().cloned().unwrap_or_default();
        let fields = properties.into_iter().map(|(name, values)| {
            let values: Vec<Value> =
                values.as_array().unwrap().iter().map(|value| value["value"].clone()).collect();
            let value = if values.len() == 1 { values[0].clone() } else { Value::Array(values) };
            (name, value)
        });
        records.node(id, Value::Object(fields.collect()));
        for (label, out) in vertex["outE"].as_object().into_iter().flatten() {
            for edge in out.as_array().unwrap() {
                let fields = edge.get("properties").cloned().unwrap_or_else(|| json!({}));
                edges.push((
                    edge["id"].as_u64().unwrap(),
                    label.clone(),
                    vertex["id"].to_string(),
                    edge["inV"].to_string(),
                    fields,
                ));
            }
        }
    }
    edges.sort_by_key(|(number, ..)| *number);
    for (_, label, source, target, fields) in edges {
        records.edge(entity(&label), &ids[&source], &ids[&target], fields);
    }
    records
}

/// Takes `{"@type": …, "@value": x}` for `x`.
fn untyped(value: Value) -> Value {
    match value {
        Value::Object(mut members) => match members.remove("@value") {
            Some(value) => untyped(value),
            None => Value::Object(members.into_iter().map(|(name, value)| (name, untyped(value))).collect()),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(untyped).collect()),
        value => value,
    }
}

fn entity(name: &str) -> &'static str {
    let known = ["knows", "created", "develops", "uses", "traverses"];
    known.into_iter().find(|known| *known == name).unwrap_or_else(|| panic!("unknown edge type {name}"))
}
