//! Runs the cases, and the short hands they are written in.

use std::pin::Pin;

use serde_json::{Value, json};
use wayfare_graph::{
    Document, EntityName, Filter, Id, Index, Kind, Link, Need, Query, Store, Version, Write, WriteBatch,
    WriteError, WriteResult, Written,
};

/// Where a store keeps its data: made empty, opened as often as wanted, removed when dropped.
pub trait Place: Sized {
    /// `None`, said aloud, where this machine lacks what the store needs, such as a server.
    fn new() -> Option<Self>;
    fn open(&self) -> Box<dyn Store>;
}

type Case = for<'a> fn(&'a dyn Store) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs one case on a fresh store.
pub fn run<P: Place>(case: Case) {
    let Some(place) = P::new() else { return };
    let store = place.open();
    block_on(case(&*store));
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

macro_rules! suite {
    ($name:ident, $place:ty) => {
        mod $name {
            use super::*;
            $crate::harness::suite! { @cases $place,
                create: [
                    what_was_created_is_read_back_at_version_1,
                    keys_of_every_form_are_kept_apart,
                    an_id_that_exists_is_refused,
                    an_edge_needs_both_ends,
                    one_edge_of_an_entity_joins_two_nodes_unless_multi,
                    documents_of_the_wrong_shape_are_refused,
                    documents_over_64_mib_are_refused,
                    the_root_is_always_there,
                ],
                save: [
                    saving_replaces_the_document_and_counts_up,
                    saving_over_a_newer_version_is_a_conflict_and_changes_nothing,
                    saving_what_is_not_there_is_refused,
                    an_edge_keeps_its_ends,
                    a_later_write_sees_what_an_earlier_one_did,
                ],
                upsert: [
                    an_unknown_document_is_created,
                    fields_are_written_over_those_that_are_stored,
                    an_upsert_that_changes_nothing_keeps_the_version,
                    what_a_newer_schema_wrote_is_not_written_over,
                    an_unknown_edge_keeps_the_rules_of_creation,
                    an_edge_keeps_its_ends,
                ],
                connect: [
                    connecting_twice_finds_the_same_edge,
                    fields_are_written_over_those_that_are_stored,
                    the_nth_parallel_edge_is_found_or_created,
                    parallel_edges_count_in_the_order_of_their_ids,
                    what_cannot_be_connected_is_refused,
                ],
                delete: [
                    a_deleted_document_is_gone,
                    a_node_takes_its_edges_with_it,
                    what_shares_entity_and_key_with_a_node_takes_no_edges,
                    self_loops_go_once,
                    a_deleted_edge_makes_room_for_another,
                    a_version_guards_against_deletion,
                    what_cannot_be_deleted_is_refused,
                ],
                batches: [
                    a_refused_write_leaves_the_others_alone,
                    all_or_nothing_takes_everything_back,
                    all_or_nothing_is_kept_when_nothing_is_refused,
                    batches_see_what_earlier_ones_did,
                    nothing_to_do_is_done,
                ],
                adjacency: [
                    neighbours_come_in_the_order_of_their_edges_ids,
                    directions_are_told_apart,
                    self_loops_are_listed_as_promised,
                    only_what_is_needed_is_loaded,
                    nodes_that_do_not_exist_have_no_neighbours,
                    every_need_brings_its_part,
                    edges_with_one_key_order_by_entity,
                    a_node_may_have_thousands_of_neighbours,
                    documents_of_every_kind_are_got_in_the_order_asked_for,
                ],
                indexes: [
                    a_unique_index_refuses_every_sort_of_write,
                    values_are_free_again_after_a_change_and_a_deletion,
                    documents_without_any_of_the_fields_are_free,
                    a_compound_unique_index_looks_at_all_fields,
                    lists_are_unique_by_member,
                    long_and_large_values_are_compared_in_full,
                    lists_that_come_after_the_index_are_found,
                    ranges_of_long_values_are_exact,
                    an_index_over_violating_documents_is_refused,
                    an_index_may_be_made_again,
                    an_index_changes_no_answer,
                    all_or_nothing_takes_index_entries_back,
                ],
                index_changes: [
                    a_partial_index_rules_its_part_only,
                    a_partial_index_answers_only_what_asks_for_its_part,
                    an_index_is_dropped_and_renamed_by_name,
                    two_indexes_of_an_entity_never_share_a_name,
                    an_index_over_many_documents_is_whole,
                    what_cannot_be_indexed_is_refused,
                ],
                cursors: [
                    pages_by_cursor_add_up_whatever_the_sort,
                    a_cursor_holds_while_documents_come_and_go,
                    a_cursor_goes_with_filter_skip_and_index,
                ],
                distinct: [
                    different_values_come_once_and_in_order,
                    many_documents_are_looked_at,
                ],
                puts: [
                    a_document_is_stored_with_its_version,
                    an_edge_may_come_before_its_ends_and_beside_others,
                    unique_indexes_hold,
                ],
                queries: [
                    documents_are_found_by_filter,
                    skip_and_limit_follow_the_filter,
                    a_sort_orders_as_mongodb_does,
                    a_limited_sort_is_the_beginning_of_the_whole,
                    a_projection_keeps_only_its_paths,
                    ids_and_ends_are_found,
                    counts_ignore_all_but_the_filter,
                    what_was_never_stored_is_not_found,
                ],
                scans: [
                    pages_add_up_to_all_documents,
                    a_scan_goes_on_after_a_document_that_was_deleted,
                    stats_count_documents_by_entity,
                ],
                walkers: [
                    a_checkpoint_is_replaced_at_the_version_that_was_read,
                    walkers_are_found_counted_and_scanned,
                    a_checkpoint_and_the_nodes_it_speaks_of_are_written_together,
                    keys_of_every_form_are_kept_apart,
                    a_checkpoint_of_megabytes_is_kept_whole,
                ],
                explain: [
                    every_way_to_documents_is_named,
                    decoding_and_sorting_are_told,
                    no_more_is_examined_than_was_said,
                    explaining_changes_nothing,
                ]
            }

            #[test]
            fn random_writes_agree_with_a_model() {
                $crate::model::check::<$place>();
            }
        }
    };
    (@cases $place:ty, $($module:ident: [$($case:ident),* $(,)?]),*) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $case() {
                $crate::harness::run::<$place>(|store| Box::pin($crate::$module::$case(store)));
            })*
        })*
    };
}
pub(crate) use suite;

pub fn id(text: &str) -> Id {
    text.parse().unwrap()
}

pub fn name(entity: &str) -> EntityName {
    EntityName::new(entity).unwrap()
}

/// A document from its JSON form.
pub fn document(json: Value) -> Document {
    Document::from_json(json).unwrap()
}

pub fn node(id: &str, context: Value) -> Document {
    document(json!({"id": id, "context": context}))
}

pub fn edge(id: &str, source: &str, target: &str) -> Document {
    document(json!({"id": id, "source": source, "target": target}))
}

pub fn road(id: &str, source: &str, target: &str) -> Document {
    document(json!({"id": id, "source": source, "target": target, "bidirectional": true}))
}

pub fn create(document: Document) -> Write {
    Write::Create { document, multi: false }
}

pub fn create_multi(document: Document) -> Write {
    Write::Create { document, multi: true }
}

pub fn save(document: Document) -> Write {
    Write::Save { document }
}

pub fn upsert(document: Document) -> Write {
    Write::Upsert { document }
}

pub fn connect(edge: Document, parallel: Option<u32>) -> Write {
    Write::Connect { edge, parallel }
}

pub fn delete(id: &str) -> Write {
    Write::Delete { id: id.parse().unwrap(), expected: None }
}

pub fn created(text: &str) -> WriteResult {
    Ok(Written::Created { id: id(text) })
}

pub fn changed(text: &str, version: u64) -> WriteResult {
    Ok(Written::Changed { id: id(text), version: Version(version) })
}

pub fn unchanged(text: &str, version: u64) -> WriteResult {
    Ok(Written::Unchanged { id: id(text), version: Version(version) })
}

pub fn exists(text: &str) -> WriteResult {
    Err(WriteError::AlreadyExists { id: id(text) })
}

pub fn is_unsuitable(result: &WriteResult) -> bool {
    matches!(result, Err(WriteError::Unsuitable { .. }))
}

/// Writes one batch.
pub async fn write(store: &dyn Store, writes: impl IntoIterator<Item = Write>) -> Vec<WriteResult> {
    let batch = WriteBatch { writes: writes.into_iter().collect(), all_or_nothing: false };
    store.apply(&[batch]).await.unwrap().remove(0)
}

/// Writes one batch, all or nothing.
pub async fn write_all(store: &dyn Store, writes: impl IntoIterator<Item = Write>) -> Vec<WriteResult> {
    let batch = WriteBatch { writes: writes.into_iter().collect(), all_or_nothing: true };
    store.apply(&[batch]).await.unwrap().remove(0)
}

/// Does one write.
pub async fn one(store: &dyn Store, write_one: Write) -> WriteResult {
    write(store, [write_one]).await.remove(0)
}

/// Creates documents; parallel edges are allowed.
pub async fn given(store: &dyn Store, documents: impl IntoIterator<Item = Document>) {
    for result in write(store, documents.into_iter().map(create_multi)).await {
        result.unwrap();
    }
}

/// Nodes without fields.
pub async fn given_nodes(store: &dyn Store, ids: &[&str]) {
    given(store, ids.iter().map(|id| node(id, json!({})))).await;
}

pub async fn get(store: &dyn Store, text: &str) -> Option<Document> {
    store.get_many(&[id(text)]).await.unwrap().remove(0)
}

pub async fn context(store: &dyn Store, text: &str) -> Value {
    Value::Object(get(store, text).await.unwrap().context().unwrap())
}

/// The neighbours of one node in one direction, as texts of edge and other end.
pub async fn links(
    store: &dyn Store,
    node: &str,
    direction: wayfare_graph::Direction,
) -> Vec<(String, String)> {
    let loaded = store.load(&[id(node)], Need::DOCUMENT.links(direction)).await.unwrap();
    let adjacency = &loaded.adjacency[direction as usize];
    let texts = |Link { edge, other }: &Link| (edge.to_string(), other.to_string());
    adjacency.links[adjacency.range(0)].iter().map(texts).collect()
}

pub fn filter(json: Value) -> Filter {
    Filter::parse(&json).unwrap()
}

pub fn query(kind: Kind, entity: &str, condition: Value) -> Query {
    Query { filter: filter(condition), ..Query::entity(kind, name(entity)) }
}

pub fn index(entity: &str, fields: &[&str], unique: bool) -> Index {
    Index::new(Kind::Node, name(entity), fields.iter().copied()).unique(unique)
}

pub fn keys(documents: &[Document]) -> Vec<String> {
    documents.iter().map(|document| document.id().with_key(str::to_owned)).collect()
}

pub async fn found(store: &dyn Store, query: &Query) -> Vec<String> {
    keys(&store.find(query).await.unwrap())
}
