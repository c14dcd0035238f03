//! Questions particular to a set: `queries`.

mod films;
mod flights;
mod network;
mod phenotypes;
mod words;

use wayfare::{Along, Direction, Id, Runtime};

use super::check::Check;
use super::subject::Subject;
use super::walkers::{Survey, reach_all};

const FAMILY: &str = "queries";

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let mut asking = Asking { subject, runtime, check };
    match subject.name.as_str() {
        "wordnet-3.1" => words::ask(&mut asking).await,
        "ldbc-snb" => network::ask(&mut asking).await,
        "freebase-movies" => films::ask(&mut asking).await,
        "hpo" => phenotypes::ask(&mut asking).await,
        "flights" => flights::ask(&mut asking).await,
        _ => {}
    }
}

/// What a question needs.
struct Asking<'a> {
    subject: &'a Subject,
    runtime: &'a Runtime,
    check: &'a mut Check,
}

impl Asking<'_> {
    /// The answers to a question.
    fn expected(&self, question: &str) -> serde_json::Value {
        let answers = &self.subject.reference["queries"][question];
        assert!(!answers.is_null(), "{} has no answers to {question}", self.subject.name);
        answers.clone()
    }

    /// Everything within reach, level by level.
    async fn levels(&self, from: &Id, along: &[&str], direction: Direction) -> Vec<Vec<Id>> {
        let mut reach = reach_all(direction);
        reach.along = Along::names(along).unwrap();
        let reach = self.walk(reach, from).await;
        let mut ids = reach.ids.into_iter();
        reach.levels.iter().map(|&count| ids.by_ref().take(count as usize).collect()).collect()
    }

    /// Everything within reach but the start.
    async fn closure(&self, from: &Id, along: &[&str], direction: Direction) -> Vec<Id> {
        self.levels(from, along, direction).await.into_iter().skip(1).flatten().collect()
    }

    /// A survey, each node once.
    async fn survey(&self, survey: Survey, from: &Id) -> Vec<(Id, u32)> {
        self.walk(survey, from).await.met
    }

    async fn walk<W: wayfare::Walker>(&self, walker: W, from: &Id) -> W {
        let mut walked = self.subject.walk(self.runtime, vec![(walker, from.clone(), None)]).await;
        walked.pop().expect("one walk was asked for")
    }

    /// Text fields of nodes, the id where a node has none.
    async fn texts(&self, ids: &[Id], field: &str) -> Vec<String> {
        let documents = self.runtime.graph().documents(ids).await.unwrap();
        let text = |(document, id): (Option<wayfare::Document>, &Id)| {
            let value = document.expect("a node that was walked to exists").body().field(field);
            value.map_or_else(
                || self.subject.name_of(id).to_owned(),
                |value| value.as_str().unwrap().to_owned(),
            )
        };
        documents.into_iter().zip(ids).map(text).collect()
    }
}
