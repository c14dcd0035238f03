//! The Human Phenotype Ontology: terms with what is annotated below them.

use serde_json::json;
use wayfare::{Along, Direction, Filter};

use super::{Asking, FAMILY};
use crate::reference::walkers::Survey;

pub async fn ask(asking: &mut Asking<'_>) {
    for row in asking.expected("terms").as_array().unwrap() {
        let term = asking.subject.id(&row["term"]);
        for (part, direction) in [("descendants", Direction::In), ("ancestors", Direction::Out)] {
            let found = asking.closure(&term, &["is_a"], direction).await.len();
            asking.check.same(FAMILY, &row["term"], part, &row[part], &json!(found));
        }
        let below = asking.closure(&term, &["is_a", "gene_phenotype"], Direction::In).await;
        let genes = below.iter().filter(|id| id.entity().as_str() == "gene").count();
        let part = "genes_annotated_here_or_below";
        asking.check.same(FAMILY, &row["term"], part, &row[part], &json!(genes));
        diseases(asking, row, "diseases_annotated_here", &["has_phenotype"]).await;
        diseases(asking, row, "diseases_annotated_here_or_below", &["is_a", "has_phenotype"]).await;
    }
}

/// Diseases that have a term, which leaves out those said not to have it.
async fn diseases(asking: &mut Asking<'_>, row: &serde_json::Value, part: &str, along: &[&str]) {
    let edges = Filter::parse(&json!({"context.qualifier": {"$ne": "NOT"}})).unwrap();
    let along = Along::names(along).unwrap();
    let survey = Survey { direction: Direction::In, along, edges: Some(edges), ..Survey::default() };
    let met = asking.survey(survey, &asking.subject.id(&row["term"])).await;
    let found = met.iter().filter(|(id, _)| id.entity().as_str() == "disease").count();
    asking.check.same(FAMILY, &row["term"], part, &row[part], &json!(found));
}
