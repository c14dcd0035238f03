//! Finding, counting and scanning documents.

use std::sync::Arc;

use bson::{Bson, Document as BsonDocument, doc};
use mongodb::Cursor;
use mongodb::options::Hint;
use serde_json::Value;
use wayfare_graph::{
    Direction, Document, EntityName, Explanation, Id, Index, Kind, Page, Projection, Query, SortKey,
    SortPosition, StoreError, compare_values,
};

use super::after::{after, default_at, through_lists};
use super::catalog::Known;
use super::document::{decode, place};
use super::fault::code_of;
use super::filter::{all_of, filter_to_bson, id_range, stored_path};
use super::server::Server;
use super::value::to_json;
use super::value_order::Place;
use crate::plan::{Plan, Usable};

/// BadValue, the answer to a hint at an index that is not there, and NoQueryExecutionPlans, to one at an index that
/// cannot be used.
const BAD_HINT: [i32; 2] = [2, 291];

/// Members without which a document cannot be read.
const HEAD: [&str; 7] = ["_id", "id", "entity", "_version", "source", "target", "bidirectional"];

/// What the names of members begin with that are computed to sort by; no document has such.
const COMPUTED: &str = "_wayfare_sorted_";

/// A question to a collection.
#[derive(Debug, Clone)]
struct Question {
    kind: Kind,
    /// What to look for on the way of the plan, and without it.
    filter: BsonDocument,
    hint: Option<String>,
    /// Nothing can match.
    is_empty: bool,
}

impl Server {
    /// The documents that a query asks for.
    pub(super) async fn find(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        let question = self.question(query).await?;
        if question.is_empty || query.limit == Some(0) {
            return Ok(Vec::new());
        }
        let documents = match &query.after {
            None => self.find_by(query, question).await?,
            Some(position) => self.find_after(query, question, position).await?,
        };
        let Some(projection) = query.projection.as_deref().map(Projection::new) else {
            return Ok(documents);
        };
        let damaged = |document: &Document, reason: String| StoreError::Damaged {
            what: document.id().to_string(),
            reason,
        };
        let project = |document: Document| {
            projection.of(&document).map_err(|error| damaged(&document, error.to_string()))
        };
        documents.into_iter().map(project).collect()
    }

    /// The documents that come after a place.
    ///
    /// Where a sort may lead through lists, those that have one on the way are asked for by themselves, all of them,
    /// and held against the place here.
    async fn find_after(
        &self,
        query: &Query,
        question: Question,
        position: &SortPosition,
    ) -> Result<Vec<Document>, StoreError> {
        let come_after = after(query.kind, &query.sort, position)?;
        let lists = through_lists(&query.sort);
        let with = |condition| Question {
            filter: all_of(vec![question.filter.clone(), condition]),
            ..question.clone()
        };
        if lists.is_empty() {
            return self.find_by(query, with(come_after)).await;
        }
        let has_list: Vec<_> = lists.into_iter().map(|path| doc! { path: { "$type": "array" } }).collect();
        let limit = query.limit.map(|limit| limit.saturating_add(query.skip));
        let whole = Query { skip: 0, limit, projection: None, ..query.clone() };
        let plain = with(doc! { "$and": [come_after, { "$nor": has_list.clone() }] });
        let mut found = self.find_by(&whole, plain).await?;
        let mut listed =
            self.find_by(&Query { limit: None, ..whole }, with(doc! { "$or": has_list })).await?;
        let position = Place::at(position, &query.sort);
        listed.retain(|document| Place::of(document, &query.sort) > position);
        if !listed.is_empty() {
            found.append(&mut listed);
            found.sort_by_cached_key(|document| Place::of(document, &query.sort));
        }
        Ok(found.into_iter().skip(query.skip).take(query.limit.unwrap_or(usize::MAX)).collect())
    }

    async fn find_by(&self, query: &Query, question: Question) -> Result<Vec<Document>, StoreError> {
        let stored = match self.read_all(|| self.find_once(query, &question)).await {
            Err(error) if question.hint.is_some() && is_bad_hint(&error) => {
                // Somebody dropped the index.
                self.catalog.forget(query.kind);
                let question = Question { hint: None, ..question };
                self.read_all(|| self.find_once(query, &question)).await?
            }
            stored => stored?,
        };
        stored.into_iter().map(decode).collect()
    }

    async fn find_once(
        &self,
        query: &Query,
        question: &Question,
    ) -> mongodb::error::Result<Cursor<BsonDocument>> {
        let collection = self.safe_collection(question.kind);
        let (sort, computed) = sort_of(query);
        if !computed.is_empty() {
            let pipeline = pipeline_of(query, question, sort, computed);
            let mut aggregate = collection.aggregate(pipeline).allow_disk_use(true);
            if let Some(hint) = &question.hint {
                aggregate = aggregate.hint(Hint::Name(hint.clone()));
            }
            return aggregate.await;
        }
        let mut find = collection.find(question.filter.clone());
        find = find.sort(sort).allow_disk_use(true);
        if let Some(hint) = &question.hint {
            find = find.hint(Hint::Name(hint.clone()));
        }
        if query.skip > 0 {
            find = find.skip(query.skip as u64);
        }
        if let Some(limit) = query.limit {
            find = find.limit(i64::try_from(limit).unwrap_or(i64::MAX));
        }
        if let Some(projection) =
            query.projection.as_deref().and_then(|paths| projection_of(paths, &query.sort))
        {
            find = find.projection(projection);
        }
        find.await
    }

    /// How many documents satisfy a query.
    pub(super) async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let question = self.question(query).await?;
        match self.count_by(&question).await {
            Err(error) if question.hint.is_some() && is_bad_hint(&error) => {
                self.catalog.forget(query.kind);
                self.count_by(&Question { hint: None, ..question }).await
            }
            counted => counted,
        }
    }

    async fn count_by(&self, question: &Question) -> Result<u64, StoreError> {
        if question.is_empty {
            return Ok(0);
        }
        self.call(|| async {
            // Counts what is there: the estimate from metadata is wrong after a crash and on sharded clusters.
            let collection = self.safe_collection(question.kind);
            let mut count = collection.count_documents(question.filter.clone());
            if let Some(hint) = &question.hint {
                count = count.hint(Hint::Name(hint.clone()));
            }
            Ok(count.await?)
        })
        .await
    }

    /// How [`find`](Self::find) would answer a query.
    pub(super) async fn explain(&self, query: &Query) -> Result<Explanation, StoreError> {
        let plan = self.plan(query).await?;
        let stored = self.count(&Query { entity: query.entity, ..Query::kind(query.kind) }).await?;
        Ok(plan.explain(query, stored))
    }

    async fn plan(&self, query: &Query) -> Result<Plan<Arc<Known>>, StoreError> {
        let known = match query.entity {
            Some(_) if !compares_lists(&query.filter.to_value()) => {
                self.call(|| self.indexes(query.kind)).await?
            }
            _ => Default::default(),
        };
        let usable: Vec<(&Known, Index)> = query.entity.map_or_else(Vec::new, |entity| {
            let of_entity = known
                .iter()
                .filter(|known| !known.is_foreign && known.entity.is_none_or(|own| own == entity));
            of_entity.map(|known| (known, known.index_of(query.kind, entity))).collect()
        });
        // Whether documents have lists only the server knows; it takes the narrower bounds by itself where it can.
        let usable = usable.iter().map(|(known, index)| Usable {
            key: Arc::new((*known).clone()),
            index,
            lists: true,
        });
        Ok(Plan::of(query, usable))
    }

    /// What to ask for a query, on the way that the planner takes: the hint makes the server take it too.
    async fn question(&self, query: &Query) -> Result<Question, StoreError> {
        let plan = self.plan(query).await?;
        let mut conditions = vec![filter_to_bson(&query.filter)?];
        let of_entity =
            || query.entity.map_or_else(BsonDocument::new, |entity| doc! { "entity": entity.as_str() });
        let (hint, is_empty) = match &plan {
            Plan::Ids(ids) => {
                conditions.push(of_entity());
                (Some("_id_".to_owned()), ids.is_empty())
            }
            Plan::Index(used) => {
                conditions.push(of_entity());
                // What holds of every document in a partial index: with it, the server sees that the index will do.
                conditions.push(used.key.condition.clone());
                (Some(used.key.stored_name.clone()), false)
            }
            Plan::EdgesOf(nodes, direction) => {
                conditions.push(of_entity());
                let [source, target] = &self.ends_indexes;
                let hint = if *direction == Direction::Out { source } else { target };
                (Some(hint.clone()), nodes.is_empty())
            }
            // Within the range, documents come in the order of ids, so that a limit ends the search.
            Plan::All => {
                conditions.push(doc! { "_id": id_range(query.kind, query.entity) });
                (Some("_id_".to_owned()), false)
            }
        };
        Ok(Question { kind: query.kind, filter: all_of(conditions), hint, is_empty })
    }

    /// A page of documents in the order of ids, without what cannot be read.
    pub(super) async fn scan(
        &self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if limit == 0 {
            return Ok(Page { documents: Vec::new(), next: after.cloned() });
        }
        let mut range = id_range(kind, entity);
        if let Some(after) = after
            .map(ToString::to_string)
            .filter(|after| range.get_str("$gte").is_ok_and(|start| after.as_str() > start))
        {
            range.remove("$gte");
            range.insert("$gt", after);
        }
        // One more tells whether there is a next page.
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        loop {
            let filter = doc! { "_id": range.clone() };
            let mut stored: Vec<BsonDocument> = self
                .read_all(|| async {
                    let collection = self.safe_collection(kind);
                    collection.find(filter.clone()).sort(doc! { "_id": 1 }).limit(wanted).await
                })
                .await?;
            let more = stored.len() > limit;
            stored.truncate(limit);
            let places: Vec<String> = stored.iter().map(place).collect();
            let documents: Vec<Document> =
                stored.into_iter().filter_map(|stored| readable(kind, stored)).collect();
            if !more {
                return Ok(Page { documents, next: None });
            }
            if !documents.is_empty() {
                // Behind it come at most what is left out again. It is there: a document was read at one of them.
                let next = places.iter().rev().find_map(|place| place.parse::<Id>().ok());
                return Ok(Page { documents, next });
            }
            // Of a page in which there is nothing, nobody could tell that it was not the last.
            range.remove("$gte");
            range.insert("$gt", places.last().cloned().unwrap_or_default());
        }
    }

    /// The different values at a path.
    pub(super) async fn distinct(&self, query: &Query, path: &str) -> Result<Vec<Value>, StoreError> {
        let question = self.question(query).await?;
        if question.is_empty {
            return Ok(Vec::new());
        }
        let values: Vec<Bson> = self
            .call(|| async {
                let collection = self.safe_collection(question.kind);
                Ok(collection.distinct(stored_path(path), question.filter.clone()).await?)
            })
            .await?;
        let mut values: Vec<Value> = values.into_iter().map(to_json).collect();
        values.sort_by(compare_values);
        values.dedup_by(|later, first| compare_values(later, first).is_eq());
        Ok(values)
    }
}

/// Reads a document for a scan, which goes on past one that is damaged: a check-up tells what is wrong with it.
fn readable(kind: Kind, stored: BsonDocument) -> Option<Document> {
    let id = place(&stored);
    let read = decode(stored);
    if let Err(error) = &read {
        tracing::warn!(collection = kind.collection(), id, %error, "left out what is no document");
    }
    read.ok()
}

/// Whether a list is asked for that is larger or smaller than another.
///
/// An index of MongoDB holds the members of a list, not the list: through one, such a question misses documents that
/// it finds without.
fn compares_lists(filter: &Value) -> bool {
    match filter {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let compares = matches!(name.as_str(), "$gt" | "$gte" | "$lt" | "$lte");
            compares && value.is_array() || compares_lists(value)
        }),
        Value::Array(items) => items.iter().any(compares_lists),
        _ => false,
    }
}

fn is_bad_hint(error: &StoreError) -> bool {
    code_of(error).is_some_and(|code| BAD_HINT.contains(&code))
}

/// The sort with the id as the last key, so that equal documents come in the order of ids, and the members that have
/// to be computed for it.
fn sort_of(query: &Query) -> (BsonDocument, BsonDocument) {
    let (mut sort, mut computed) = (BsonDocument::new(), BsonDocument::new());
    for key in &query.sort {
        let mut path = stored_path(&key.path).to_owned();
        if let Some(default) = default_at(query.kind, &path) {
            let value = doc! { "$ifNull": [format!("${path}"), default] };
            path = format!("{COMPUTED}{path}");
            computed.insert(&path, value);
        }
        if !sort.contains_key(&path) {
            sort.insert(path, if key.descending { -1 } else { 1 });
        }
    }
    if !sort.contains_key("_id") {
        sort.insert("_id", 1);
    }
    (sort, computed)
}

/// The way to the documents of a question in a sort of which members are computed.
fn pipeline_of(
    query: &Query,
    question: &Question,
    sort: BsonDocument,
    computed: BsonDocument,
) -> Vec<BsonDocument> {
    let hidden: Vec<String> = computed.keys().cloned().collect();
    let mut pipeline = vec![
        doc! { "$match": question.filter.clone() },
        doc! { "$set": computed },
        doc! { "$sort": sort },
        doc! { "$skip": i64::try_from(query.skip).unwrap_or(i64::MAX) },
    ];
    if let Some(limit) = query.limit {
        pipeline.push(doc! { "$limit": i64::try_from(limit).unwrap_or(i64::MAX) });
    }
    pipeline.push(match query.projection.as_deref().and_then(|paths| projection_of(paths, &query.sort)) {
        Some(projection) => doc! { "$project": projection },
        None => doc! { "$unset": hidden },
    });
    pipeline
}

/// What the server has to send for a projection; `None` for all.
///
/// Of two paths of which one lies within the other, the server takes only the outer one. What a number counts out of a
/// list it sends with the list: asked for the member alone it would leave out what is no object, and sort by what is left.
///
/// A server may sort by what it has cut down already, and of a list it keeps the objects only. So what is sorted by
/// below a list comes whole.
fn projection_of(paths: &[String], sort: &[SortKey]) -> Option<BsonDocument> {
    let mut wanted: Vec<String> = HEAD.iter().map(|member| (*member).to_owned()).collect();
    wanted.extend(through_lists(sort));
    for path in paths {
        if path.split('.').any(|name| name.is_empty() || name.starts_with('$')) || path.contains('\0') {
            return None;
        }
        let named = path.split('.').take_while(|name| name.parse::<usize>().is_err());
        let path = &named.collect::<Vec<_>>().join(".");
        let is_field = path == "context" || path.starts_with("context.");
        if !is_field {
            wanted.push(format!("context.{path}"));
        }
        wanted.push(path.clone());
    }
    let within = |path: &str, outer: &str| path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    let outermost = wanted.iter().filter(|path| !wanted.iter().any(|outer| within(path, outer)));
    Some(outermost.map(|path| (path.clone(), Bson::Int32(1))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projected(paths: &[&str]) -> Vec<String> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let document = projection_of(&paths, &[]).unwrap();
        document.keys().skip(HEAD.len()).cloned().collect()
    }

    #[test]
    fn a_projection_asks_for_no_path_within_another() {
        assert_eq!(projected(&["context.a.b", "context.a"]), ["context.a"]);
        assert_eq!(projected(&["context", "context.a", "b"]), ["context", "b"]);
        assert_eq!(projected(&["name"]), ["context.name", "name"]);
        assert_eq!(projected(&["context.a.0.b"]), ["context.a"]);
        assert_eq!(projected(&[]), [""; 0]);
        assert_eq!(projection_of(&["a..b".into()], &[]), None);
        assert_eq!(projection_of(&["a.$".into()], &[]), None);
    }
}
