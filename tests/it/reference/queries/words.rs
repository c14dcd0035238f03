//! WordNet: hierarchies by type of pointer.

use std::collections::HashMap;

use serde_json::{Value, json};
use wayfare::{Along, Direction, EntityName, Filter, Id, Kind, Query};

use super::{Asking, FAMILY};
use crate::reference::walkers::{Look, Survey};

/// Edges that lead up the hierarchy; against them, down.
const UP: [&str; 2] = ["hypernym", "instance_hypernym"];

pub async fn ask(asking: &mut Asking<'_>) {
    counts(asking).await;
    depths(asking).await;
    closures(asking).await;
    distances(asking).await;
    for (question, entity) in
        [("words_with_most_senses", "has_sense"), ("synsets_with_most_hyponyms", "hyponym")]
    {
        for row in asking.expected(question).as_array().unwrap() {
            let id = asking.subject.id(&row[0]);
            let look = asking.walk(Look { direction: Direction::Out, edges: Vec::new() }, &id).await;
            let found = look.edges.iter().filter(|(_, of, _)| of == entity).count();
            asking.check.same(FAMILY, question, &id.to_string(), &row[1], &json!(found));
        }
    }
}

async fn counts(asking: &mut Asking<'_>) {
    for (part, count) in asking.expected("synsets_by_pos").as_object().unwrap() {
        let query = Query::entity(Kind::Node, EntityName::new("synset").unwrap());
        let filter = Filter::parse(&json!({"context.pos": part})).unwrap();
        let found = asking.runtime.graph().count(Query { filter, ..query }).await.unwrap();
        asking.check.same(FAMILY, "synsets_by_pos", part, count, &json!(found));
    }
}

async fn depths(asking: &mut Asking<'_>) {
    let root = asking.subject.id(&asking.expected("noun_roots")[0]);
    let levels = asking.levels(&root, &UP, Direction::In).await;
    let histogram: Vec<(usize, usize)> = levels.iter().map(Vec::len).enumerate().collect();
    const DEPTHS: &str = "noun_depth_histogram_from_first_root";
    asking.check.same(FAMILY, "", DEPTHS, &asking.expected(DEPTHS), &json!(histogram));
    let mut deepest: Vec<&str> = levels.last().unwrap().iter().map(|id| asking.subject.name_of(id)).collect();
    deepest.sort_unstable();
    deepest.truncate(20);
    asking.check.same(FAMILY, "", "deepest_nouns", &asking.expected("deepest_nouns"), &json!(deepest));
}

async fn closures(asking: &mut Asking<'_>) {
    for row in asking.expected("hyponym_closures").as_array().unwrap() {
        let synsets = nouns(asking, &row["word"]).await;
        let names: Vec<&str> = synsets.iter().map(|id| asking.subject.name_of(id)).collect();
        asking.check.same(FAMILY, &row["word"], "noun_synsets", &row["noun_synsets"], &json!(names));
        let (mut below, mut above) = (Vec::new(), Vec::new());
        for synset in &synsets {
            below.push(asking.closure(synset, &UP, Direction::In).await.len());
            above.push(asking.closure(synset, &UP, Direction::Out).await.len());
        }
        asking.check.same(FAMILY, &row["word"], "descendants", &row["descendants_of_each"], &json!(below));
        asking.check.same(FAMILY, &row["word"], "ancestors", &row["ancestors_of_each"], &json!(above));
    }
}

/// The noun synsets of a word, in the order of their records.
async fn nouns(asking: &Asking<'_>, word: &Value) -> Vec<Id> {
    let word = asking.subject.id(&json!(format!("w:{}", word.as_str().unwrap())));
    let look = asking.walk(Look { direction: Direction::Out, edges: Vec::new() }, &word).await;
    let synsets =
        look.edges.into_iter().filter(|(_, entity, _)| entity == "has_sense").map(|(other, ..)| other);
    synsets.filter(|id| asking.subject.name_of(id).starts_with('n')).collect()
}

async fn distances(asking: &mut Asking<'_>) {
    for row in asking.expected("hypernym_distance").as_array().unwrap() {
        let mut above: [Vec<HashMap<Id, u32>>; 2] = Default::default();
        for (side, above) in above.iter_mut().enumerate() {
            for synset in nouns(asking, &row["words"][side]).await {
                let survey = Survey { along: Along::names(&UP).unwrap(), ..Survey::default() };
                above.push(asking.survey(survey, &synset).await.into_iter().collect());
            }
        }
        let [one, other] = above;
        let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
        let totals =
            pairs.flat_map(|(one, other)| one.iter().filter_map(|(id, up)| Some(up + other.get(id)?)));
        let part = "fewest_hypernym_steps_between_any_noun_senses";
        asking.check.same(FAMILY, &row["words"], part, &row[part], &json!(totals.min()));
    }
}
