//! LDBC SNB: friends, replies, places, tags.

use serde_json::{Value, json};
use wayfare::walkers::Path;
use wayfare::{Along, Direction, EntityName, Filter, Id, Kind, Query, Unique};

use super::{Asking, FAMILY};
use crate::reference::subject::whole;
use crate::reference::walkers::Survey;

pub async fn ask(asking: &mut Asking<'_>) {
    shortest_paths(asking).await;
    friends_by_name(asking).await;
    reply_trees(asking).await;
    people_by_country(asking).await;
    tag_classes(asking).await;
    most_liked(asking).await;
}

/// A node by its entity and its number in the files.
fn of(asking: &Asking<'_>, entity: &str, number: &Value) -> Id {
    asking.subject.id(&json!(format!("{entity}:{number}")))
}

fn number(id: &Id) -> u64 {
    id.with_key(|key| key.parse().unwrap())
}

/// The one node of an entity with a name.
async fn named(asking: &Asking<'_>, entity: &str, conditions: Value) -> Id {
    let query = Query::entity(Kind::Node, EntityName::new(entity).unwrap());
    let filter = Filter::parse(&conditions).unwrap();
    let found = asking.runtime.graph().find_documents(Query { filter, ..query }).await.unwrap();
    assert_eq!(found.len(), 1, "{entity} {conditions}");
    found[0].id().clone()
}

async fn shortest_paths(asking: &mut Asking<'_>) {
    for row in asking.expected("shortest_knows_paths").as_array().unwrap() {
        let mut path = Path::to(of(asking, "person", &row[1]));
        path.along = Along::names(&["knows"]).unwrap();
        path.direction = Direction::Both;
        let found = asking.walk(path, &of(asking, "person", &row[0])).await.found;
        let hops = found.map(|found| found.hops);
        asking.check.same(FAMILY, row, "shortest_knows_paths", &row[2], &json!(hops));
    }
}

async fn friends_by_name(asking: &mut Asking<'_>) {
    for row in asking.expected("friends_with_first_name").as_array().unwrap() {
        let along = Along::names(&["knows"]).unwrap();
        let survey = Survey { direction: Direction::Both, along, hops: Some(3), ..Survey::default() };
        let mut met = asking.survey(survey, &of(asking, "person", &row["person"])).await;
        met.retain(|(_, depth)| *depth > 0);
        asking.check.same(FAMILY, &row["person"], "within3", &row["within3"], &json!(met.len()));
        let ids: Vec<Id> = met.iter().map(|(id, _)| id.clone()).collect();
        let first = asking.texts(&ids, "firstName").await;
        let last = asking.texts(&ids, "lastName").await;
        let people = met.iter().zip(first).zip(last).filter(|((_, first), _)| row["firstName"] == **first);
        let mut people: Vec<(u32, String, u64)> =
            people.map(|(((id, depth), _), last)| (*depth, last, number(id))).collect();
        people.sort();
        asking.check.same(FAMILY, &row["person"], "matches", &row["matches"], &json!(people.len()));
        people.truncate(20);
        let expected = &row["matches_distance_lastName_id"];
        asking.check.same(FAMILY, &row["person"], "friends by name", expected, &json!(people));
    }
}

async fn reply_trees(asking: &mut Asking<'_>) {
    for row in asking.expected("reply_trees")["top20_post_comments_depth"].as_array().unwrap() {
        let levels = asking.levels(&of(asking, "post", &row[0]), &["replyOf"], Direction::In).await;
        let comments: usize = levels.iter().skip(1).map(Vec::len).sum();
        let found = json!([row[0], comments, levels.len() - 1]);
        asking.check.same(FAMILY, &row[0], "reply_trees", row, &found);
    }
}

async fn people_by_country(asking: &mut Asking<'_>) {
    for row in asking.expected("people_by_country").as_array().unwrap() {
        let country =
            named(asking, "place", json!({"context.name": row[0], "context.type": "country"})).await;
        let levels = asking.levels(&country, &["isPartOf", "isLocatedIn"], Direction::In).await;
        let of_cities = levels.get(2).into_iter().flatten();
        let people = of_cities.filter(|id| id.entity().as_str() == "person").count();
        asking.check.same(FAMILY, &row[0], "people_by_country", &row[1], &json!(people));
    }
}

async fn tag_classes(asking: &mut Asking<'_>) {
    for row in asking.expected("tag_classes_class_subclasses_tags_messages").as_array().unwrap() {
        let class = named(asking, "tagclass", json!({"context.name": row[0]})).await;
        let below = asking.closure(&class, &["isSubclassOf", "hasType", "hasTag"], Direction::In).await;
        let count = |entity: &str| below.iter().filter(|id| id.entity().as_str() == entity).count();
        let found = json!([row[0], count("tagclass"), count("tag"), count("post") + count("comment")]);
        asking.check.same(FAMILY, &row[0], "tag_classes", row, &found);
    }
}

/// Counts likes, not those who like: a walk that may come back to a node.
async fn most_liked(asking: &mut Asking<'_>) {
    for row in asking.expected("most_liked_people").as_array().unwrap() {
        let along = Along::names(&["hasCreator", "likes"]).unwrap();
        let survey = Survey { direction: Direction::In, along, hops: Some(2), ..Survey::default() };
        let spawning = asking.runtime.spawn(survey).at(of(asking, "person", &row[0])).unique(Unique::None);
        let met = spawning.await.unwrap().finish().await.unwrap().met;
        let likes = met.iter().filter(|(_, depth)| *depth == 2).count() as u64;
        asking.check.same(FAMILY, &row[0], "most_liked_people", &whole(&row[1]), &likes);
    }
}
