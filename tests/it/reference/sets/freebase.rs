//! Films of Freebase: a statement a line, `subject <predicate> object .`

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use wayfare::Id;

use crate::reference::data::text;
use crate::reference::loading::{Records, node};

/// What the statements say of one subject.
#[derive(Default)]
struct Subject {
    types: Vec<String>,
    name: Option<Value>,
    characters: Vec<Value>,
}

pub fn records(data: &Path) -> Records {
    let text = text(data, "30kmoviedata.nq");
    let mut order: Vec<&str> = Vec::new();
    let mut subjects: HashMap<&str, Subject> = HashMap::new();
    let mut edges = Vec::new();
    for line in text.lines() {
        let (subject, rest) = line.split_once(' ').expect("a subject comes first");
        let (predicate, rest) = rest.split_once(' ').expect("then a predicate");
        let object = rest.strip_suffix(" .").expect("every statement ends in a dot");
        let is_edge = is_edge(predicate);
        for name in [subject, object].into_iter().take(1 + usize::from(is_edge)) {
            if !subjects.contains_key(name) {
                order.push(name);
                subjects.insert(name, Subject::default());
            }
        }
        if is_edge {
            edges.push((subject, entity(predicate), object));
            continue;
        }
        let about = subjects.get_mut(subject).expect("it was just put there");
        match predicate {
            "<type>" => about.types.push(object[1..object.len() - 1].to_owned()),
            "<name>" => about.name = Some(serde_json::from_str(object).unwrap()),
            _ => about.characters.push(serde_json::from_str(object).unwrap()),
        }
    }
    let mut records = Records::default();
    let ids: HashMap<&str, Id> = order.iter().map(|&name| (name, id(name, &subjects[name]))).collect();
    for name in &order {
        records.node(ids[name].clone(), fields(&subjects[name]));
    }
    for (source, entity, target) in edges {
        records.edge(entity, &ids[source], &ids[target], json!({}));
    }
    records
}

/// Whether a statement leads from one subject to another, and does not tell of one.
fn is_edge(predicate: &str) -> bool {
    !["<type>", "<name>", "</film/performance/character>"].contains(&predicate)
}

fn entity(predicate: &str) -> &'static str {
    match predicate {
        "</film/film/starring>" => "starring",
        "</film/performance/actor>" => "actor",
        "</film/film/directed_by>" => "directed_by",
        other => panic!("unknown predicate {other}"),
    }
}

fn id(name: &str, subject: &Subject) -> Id {
    let is = |of: &str| subject.types.iter().any(|have| have == of);
    let entity = match (is("/film/film"), is("/people/person")) {
        (true, _) => "film",
        (false, true) => "person",
        (false, false) if name.starts_with("_:") => "performance",
        (false, false) => "other",
    };
    node(entity, name)
}

fn fields(subject: &Subject) -> Value {
    let mut fields = Map::new();
    fields.insert("types".into(), json!(subject.types));
    if let Some(name) = &subject.name {
        fields.insert("name".into(), name.clone());
    }
    match subject.characters.as_slice() {
        [] => {}
        [one] => drop(fields.insert("character".into(), one.clone())),
        many => drop(fields.insert("character".into(), json!(many))),
    }
    Value::Object(fields)
}
