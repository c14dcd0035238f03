//! LDBC SNB: eight tables of nodes and 23 of edges, with `|` between cells and no quoting.

use std::path::Path;

use crate::reference::data::{file, text};

const NODES: [(&str, &str, &str); 8] = [
    ("person", "dynamic", "firstName=text,lastName=text,language=json,email=json"),
    ("forum", "dynamic", "title=text"),
    ("post", "dynamic", "content=text"),
    ("comment", "dynamic", "content=text"),
    ("organisation", "static", "name=text"),
    ("place", "static", "name=text"),
    ("tag", "static", "name=text"),
    ("tagclass", "static", "name=text"),
];

/// In the order in which the reference takes them.
const EDGES: [&str; 23] = [
    "comment_hasCreator_person",
    "comment_hasTag_tag",
    "comment_isLocatedIn_place",
    "comment_replyOf_comment",
    "comment_replyOf_post",
    "forum_containerOf_post",
    "forum_hasMember_person",
    "forum_hasModerator_person",
    "forum_hasTag_tag",
    "person_hasInterest_tag",
    "person_isLocatedIn_place",
    "person_knows_person",
    "person_likes_comment",
    "person_likes_post",
    "person_studyAt_organisation",
    "person_workAt_organisation",
    "post_hasCreator_person",
    "post_hasTag_tag",
    "post_isLocatedIn_place",
    "organisation_isLocatedIn_place",
    "place_isPartOf_place",
    "tag_hasType_tagclass",
    "tagclass_isSubclassOf_tagclass",
];

pub fn import(data: &Path, scratch: &Path) -> Vec<String> {
    let mut words = vec!["import".to_owned()];
    let mut say = |more: &[&str]| words.extend(more.iter().map(ToString::to_string));
    for (entity, folder, types) in NODES {
        let table = match entity {
            "person" => with_lists(data, scratch),
            _ => file(&data.join(folder), &format!("{entity}_0_0.csv")).to_str().unwrap().to_owned(),
        };
        say(&["--nodes", &table, "--entity", entity, "--key", "id", "--types", types]);
        say(&["--delimiter", "|", "--quote", "none"]);
    }
    for name in EDGES {
        let [from, entity, to] = name.split('_').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let folder =
            if ["organisation", "place", "tag", "tagclass"].contains(&from) { "static" } else { "dynamic" };
        let text = text(&data.join(folder), &format!("{name}_0_0.csv"));
        // Both columns of `person_knows_person` are called `Person.id`.
        let (header, rows) = text.split_once('\n').expect("a header comes first");
        let property = header.split('|').nth(2).map_or_else(String::new, |name| format!(",{name}"));
        let table = scratch.join(format!("{name}.csv"));
        std::fs::write(&table, rows).unwrap();
        let (source, target) = (format!("source={from}"), format!("target={to}"));
        say(&["--edges", table.to_str().unwrap(), "--entity", entity, "--from", &source, "--to", &target]);
        say(&["--columns", &format!("source,target{property}"), "--delimiter", "|", "--quote", "none"]);
    }
    words
}

/// The table of persons, with lists where several values stand in a cell.
fn with_lists(data: &Path, scratch: &Path) -> String {
    let text = text(&data.join("dynamic"), "person_0_0.csv");
    let (header, rows) = text.split_once('\n').expect("a header comes first");
    let lists: Vec<usize> =
        ["language", "email"].map(|list| header.split('|').position(|name| name == list).unwrap()).into();
    let row = |line: &str| {
        let cells =
            line.split('|').enumerate().map(|(at, cell)| match lists.contains(&at) && !cell.is_empty() {
                true => serde_json::to_string(&cell.split(';').collect::<Vec<_>>()).unwrap(),
                false => cell.to_owned(),
            });
        cells.collect::<Vec<_>>().join("|") + "\n"
    };
    let table = scratch.join("person.csv");
    std::fs::write(&table, format!("{header}\n") + &rows.lines().map(row).collect::<String>()).unwrap();
    table.to_str().unwrap().to_owned()
}
