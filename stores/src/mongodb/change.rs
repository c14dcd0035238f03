//! Doing the writes of one level: look, decide, send, and look again where somebody else was first.

use std::time::Duration;

use bson::{Bson, Document as BsonDocument, doc};
use rustc_hash::FxHashSet;
use wayfare_graph::{EntityName, Id, Kind, Write, WriteError, WriteResult, Written};

use super::bulk::{Duplicate, Insert, Outcome, Remove, Replace};
use super::catalog::Known;
use super::fault::Tried;
use super::filter::all_of;
use super::step::{Step, Taken, decide, taken};
use super::value::to_json;
use super::writing::Writing;
use crate::rules::unsuitable;

/// How often a write is decided again because others keep changing what it hangs on.
const ROUNDS: u32 = 20;

/// What became of a write.
#[derive(Debug)]
pub(super) enum Changed {
    Finished(WriteResult),
    /// A unique index refused it, which ended the transaction: who holds the values has to be asked outside of it.
    Violated(Id, Duplicate),
    /// It was not tried, because the transaction had ended.
    Unsent(Id),
}

/// The writes of a level that are not yet finished, by position.
type Pending<'w> = Vec<(usize, &'w Write)>;

impl Writing<'_> {
    /// Does writes that touch nothing in common; what became of each, in their order.
    pub(super) async fn change_all(&self, writes: &[&Write]) -> Tried<Vec<Changed>> {
        let mut results: Vec<Option<Changed>> = writes.iter().map(|_| None).collect();
        let mut pending: Pending<'_> = writes.iter().copied().enumerate().collect();
        let mut round = 0;
        while !pending.is_empty() {
            let raced = self.round(&pending, &mut results).await?;
            round += 1;
            if round == ROUNDS {
                for (at, error) in raced {
                    results[at] = Some(Changed::Finished(Err(error)));
                }
                break;
            }
            pending.retain(|(at, _)| raced.iter().any(|(other, _)| other == at));
            if !pending.is_empty() {
                // Others are at it: give them time, more each time.
                tokio::time::sleep(Duration::from_millis(u64::from(round))).await;
            }
        }
        let unfinished =
            |at: usize| Changed::Finished(Err(unsuitable(&id_of(writes[at]), "it was not done")));
        Ok(results
            .into_iter()
            .enumerate()
            .map(|(at, result)| result.unwrap_or_else(|| unfinished(at)))
            .collect())
    }

    /// Decides and sends the pending writes once; those for which somebody else was first.
    async fn round(
        &self,
        pending: &Pending<'_>,
        results: &mut [Option<Changed>],
    ) -> Tried<Vec<(usize, WriteError)>> {
        let look = self.look(pending.iter().map(|(_, write)| *write)).await?;
        let mut steps = Vec::with_capacity(pending.len());
        for (_, write) in pending {
            steps.push(decide(write, &look, self.server.parallel_edges));
        }
        let outcomes = self.send(&steps).await?;
        let mut raced = Vec::new();
        for (((at, write), step), outcome) in pending.iter().zip(&steps).zip(outcomes) {
            match taken(write, step, outcome, &look) {
                Taken::Finished(Ok(Written::Deleted { id, mut edges, mut neighbours })) => {
                    let swept = match id.kind() == Kind::Node && !self.is_aborted() {
                        true => self.sweep(&id, &mut edges, &mut neighbours).await?,
                        false => Ok(()),
                    };
                    let deleted = swept.map(|()| Written::Deleted { id, edges, neighbours });
                    results[*at] = Some(Changed::Finished(deleted));
                }
                Taken::Finished(result) => results[*at] = Some(Changed::Finished(result)),
                Taken::Unsent => results[*at] = Some(Changed::Unsent(id_of_step(step))),
                // A transaction that has ended is not looked into again.
                Taken::Raced(error) if self.is_aborted() => {
                    results[*at] = Some(Changed::Finished(Err(error)))
                }
                Taken::Raced(error) => raced.push((*at, error)),
                Taken::Violated(duplicate) if self.is_transaction() => {
                    results[*at] = Some(Changed::Violated(id_of_step(step), duplicate));
                }
                Taken::Violated(duplicate) => match self.violation(&id_of_step(step), &duplicate, &[]).await?
                {
                    Some(error) => results[*at] = Some(Changed::Finished(Err(error))),
                    // Who held the values has let go of them.
                    None => raced.push((*at, unheld(&id_of_step(step), &duplicate))),
                },
            }
        }
        Ok(raced)
    }

    /// Sends steps, in commands by kind and sort; the outcomes in their order.
    async fn send(&self, steps: &[Step]) -> Tried<Vec<Outcome>> {
        let mut sorted = Sorted::default();
        for (at, step) in steps.iter().enumerate() {
            sorted.add(at, step);
        }
        self.keep_before(&sorted).await?;
        let mut outcomes = vec![Outcome::Done; steps.len()];
        for (kind, group) in sorted.0.iter().enumerate().filter(|(_, group)| !group.is_empty()) {
            let kind = KINDS[kind];
            let in_turn = self.needs_turns(kind, group).await?;
            let inserted = self.insert_all(kind, &group.inserts, in_turn);
            let replaced = self.replace_all(kind, &group.replaces, in_turn);
            let removed = self.remove_all(kind, &group.removes);
            let (inserted, replaced, removed) = match self.is_plain() && !in_turn {
                true => futures_util::try_join!(inserted, replaced, removed)?,
                false => (inserted.await?, replaced.await?, removed.await?),
            };
            let places = group.inserts_at.iter().chain(&group.replaces_at).chain(&group.removes_at);
            for (at, outcome) in places.zip(inserted.into_iter().chain(replaced).chain(removed)) {
                outcomes[*at] = outcome;
            }
        }
        self.note_all(steps, &outcomes);
        self.confirm_ends(steps, &mut outcomes).await?;
        Ok(outcomes)
    }

    /// Whether the order of commands matters: where an index is unique, the first one takes the values.
    async fn needs_turns(&self, kind: Kind, group: &Group<'_>) -> Tried<bool> {
        let known = self.server.indexes(kind).await?;
        let entities: FxHashSet<EntityName> = group.ids().map(|id| id.entity()).collect();
        let bound = |entity: &EntityName| known.iter().any(|known| known.binds(*entity));
        Ok(entities.iter().any(bound))
    }

    fn note_all(&self, steps: &[Step], outcomes: &[Outcome]) {
        for (step, _) in steps.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Done) {
            match step {
                Step::Insert(Insert { document, .. }) | Step::Replace(Replace { document, .. }) => {
                    self.note(&document.id, Some(&document.bytes));
                }
                Step::Remove(remove) => self.note(&remove.id, None),
                Step::Finished(_) => {}
            }
        }
    }

    /// Takes new edges back whose ends went in the meantime.
    ///
    /// A node that is deleted goes first and its edges after it; an edge is stored first and its ends are looked at
    /// again after it. So of a deletion and a creation that run against each other, one always sees what the other
    /// did, and no edge without its ends is left. A transaction looks when it is committed, see `transaction`.
    async fn confirm_ends(&self, steps: &[Step], outcomes: &mut [Outcome]) -> Tried<()> {
        if self.is_transaction() {
            return Ok(());
        }
        let new: Vec<(usize, &Insert)> = steps
            .iter()
            .enumerate()
            .filter_map(|(at, step)| match step {
                Step::Insert(insert) if outcomes[at] == Outcome::Done => Some((at, insert)),
                _ => None,
            })
            .filter(|(_, insert)| insert.document.ends.is_some())
            .collect();
        let ends = new.iter().filter_map(|(_, insert)| insert.document.ends.as_ref());
        let nodes: FxHashSet<Id> = ends.flat_map(|ends| [ends.source.clone(), ends.target.clone()]).collect();
        if nodes.is_empty() {
            return Ok(());
        }
        let existing = self.existing(&nodes).await?;
        let is_gone = |id: &Id| !existing.contains(id);
        let (mut orphans, mut at_orphans) = (Vec::new(), Vec::new());
        for (at, insert) in new {
            let Some(ends) = &insert.document.ends else { continue };
            if !insert.is_put && (is_gone(&ends.source) || is_gone(&ends.target)) {
                orphans.push(Remove { id: insert.document.id.clone(), expected: None });
                at_orphans.push(at);
            }
        }
        self.remove_all(Kind::Edge, &orphans.iter().collect::<Vec<_>>()).await?;
        for at in at_orphans {
            // Decided again, it is refused for the end that is missing.
            outcomes[at] = Outcome::Missing;
        }
        Ok(())
    }

    /// The error for values that another document holds; `None` when nobody does any more.
    pub(super) async fn violation(
        &self,
        id: &Id,
        duplicate: &Duplicate,
        but_not: &[Id],
    ) -> Tried<Option<WriteError>> {
        let kind = id.kind();
        let known = self.server.indexes(kind).await?;
        let is_index = |known: &&Known| known.binds(id.entity()) && known.is_on(duplicate.values.keys());
        // Documents that are in none of these indexes may share the values. One over all entities has no condition.
        let rules: Vec<BsonDocument> =
            known.iter().filter(is_index).map(|known| known.condition.clone()).collect();
        let mut tests = Vec::new();
        if !rules.is_empty() && rules.iter().all(|rule| !rule.is_empty()) {
            tests.push(doc! { "$or": rules });
        }
        for (path, value) in &duplicate.values {
            let test = match value {
                // As a member of a list; as the whole of it, it has entries of its own.
                Bson::Array(_) => Bson::Document(doc! { "$elemMatch": { "$eq": value.clone() } }),
                value => Bson::Document(doc! { "$eq": value.clone() }),
            };
            tests.push(doc! { path.clone(): test });
        }
        let others: Vec<String> = but_not.iter().chain([id]).map(ToString::to_string).collect();
        tests.push(doc! { "_id": { "$nin": others } });
        let found = self.ask(kind, all_of(tests), doc! { "_id": 1 }).await?;
        let holder = found.iter().filter_map(|stored| stored.get_str("_id").ok()?.parse::<Id>().ok()).min();
        Ok(holder.map(|holder| violated(id, duplicate, holder)))
    }
}

/// The error for values that a document holds.
pub(super) fn violated(id: &Id, duplicate: &Duplicate, holder: Id) -> WriteError {
    let fields = duplicate.values.keys().map(|path| path.strip_prefix("context.").unwrap_or(path).to_owned());
    let values = duplicate.values.values().cloned().map(to_json).collect();
    WriteError::UniqueViolation { entity: id.entity(), fields: fields.collect(), values, holder }
}

/// The error for values of a unique index that refused a write, although no document is found that holds them.
pub(super) fn unheld(id: &Id, duplicate: &Duplicate) -> WriteError {
    let paths: Vec<&str> = duplicate.values.keys().map(String::as_str).collect();
    let reason = format!(
        "a unique index of the database over `{}` refuses its values, and no document is found that has them",
        paths.join("`, `")
    );
    unsuitable(id, reason)
}

/// The places of [`Sorted`].
const KINDS: [Kind; 4] = [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker];

/// Steps by kind and sort.
#[derive(Debug, Default)]
pub(super) struct Sorted<'s>(pub(super) [Group<'s>; 4]);

/// The steps of one kind, and their positions.
#[derive(Debug, Default)]
pub(super) struct Group<'s> {
    pub(super) inserts: Vec<&'s Insert>,
    inserts_at: Vec<usize>,
    pub(super) replaces: Vec<&'s Replace>,
    replaces_at: Vec<usize>,
    pub(super) removes: Vec<&'s Remove>,
    removes_at: Vec<usize>,
}

impl<'s> Sorted<'s> {
    fn add(&mut self, at: usize, step: &'s Step) {
        let group = |kind: Kind| KINDS.iter().position(|known| *known == kind).unwrap_or_default();
        match step {
            Step::Finished(_) => {}
            Step::Insert(insert) => {
                let group = &mut self.0[group(insert.document.id.kind())];
                group.inserts.push(insert);
                group.inserts_at.push(at);
            }
            Step::Replace(replace) => {
                let group = &mut self.0[group(replace.document.id.kind())];
                group.replaces.push(replace);
                group.replaces_at.push(at);
            }
            Step::Remove(remove) => {
                let group = &mut self.0[group(remove.id.kind())];
                group.removes.push(remove);
                group.removes_at.push(at);
            }
        }
    }
}

impl Group<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.replaces.is_empty() && self.removes.is_empty()
    }

    fn ids(&self) -> impl Iterator<Item = &Id> {
        let inserted = self.inserts.iter().map(|insert| &insert.document.id);
        inserted.chain(self.replaces.iter().map(|replace| &replace.document.id))
    }
}

fn id_of_step(step: &Step) -> Id {
    match step {
        Step::Insert(Insert { document, .. }) | Step::Replace(Replace { document, .. }) => {
            document.id.clone()
        }
        Step::Remove(remove) => remove.id.clone(),
        Step::Finished(_) => Id::root(),
    }
}

/// The id that a write names.
pub(super) fn id_of(write: &Write) -> Id {
    match write {
        Write::Create { document, .. }
        | Write::Save { document }
        | Write::Upsert { document }
        | Write::Put { document }
        | Write::Connect { edge: document, .. } => document.id().clone(),
        Write::Delete { id, .. } => id.clone(),
        _ => Id::root(),
    }
}
