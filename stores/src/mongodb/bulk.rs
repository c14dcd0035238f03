//! Many writes of one sort in few commands, and what became of each.
//!
//! Each write leaves a token in its document. When the answer to a command is lost, it is sent again, and the token
//! tells what was done before. A document keeps its last tokens, so that other writes in that moment hide nothing; where
//! too many came, nobody can tell, and that is what the caller is told.

use bson::oid::ObjectId;
use bson::raw::{RawArrayBuf, RawDocument};
use bson::{Bson, Document as BsonDocument, RawDocumentBuf, cstr, doc};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use rustc_hash::FxHashMap;
use wayfare_graph::{Id, Kind, Version};

use super::document::{Encoded, PARALLEL, TOKEN, at_version, has_token, version_of};
use super::fault::{Fault, Tried};
use super::reply::{Reply, Told};
use super::writing::Writing;

/// Most statements in a command, measured: 10,000 updates take 0.56 s so, 0.90 s in one command after another.
const STATEMENTS: usize = 500;

/// Fewest statements for which another command is worth sending beside the first.
const FEWEST_STATEMENTS: usize = 250;

/// Commands that are under way at once.
const COMMANDS_IN_FLIGHT: usize = 4;

/// Bytes of documents in a command. The server takes 48 MB; one document may exceed this by itself.
const COMMAND_BYTES: usize = 16 << 20;

/// A new document.
#[derive(Debug, Clone)]
pub(super) struct Insert {
    pub(super) document: Encoded,
    /// What tells it from other edges of its entity between its ends.
    pub(super) parallel: Option<Bson>,
    /// Whether it is stored although its ends may be missing.
    pub(super) is_put: bool,
}

/// A document in place of one at a version, with the same ends.
#[derive(Debug, Clone)]
pub(super) struct Replace {
    pub(super) document: Encoded,
    pub(super) expected: Version,
}

/// A document that goes.
#[derive(Debug, Clone)]
pub(super) struct Remove {
    pub(super) id: Id,
    /// At any version if `None`.
    pub(super) expected: Option<Version>,
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Done,
    Missing,
    /// The document is at another version.
    AtVersion(Version),
    /// The edge has other ends.
    OtherEnds,
    /// There is a document of this id.
    Exists,
    /// There is an edge of this entity between these ends.
    PairTaken,
    /// Another document has the values of a unique index.
    Violated(Duplicate),
    /// The server does not take the document.
    Unsuitable(String),
    /// There is no document of this id at the expected version with these ends.
    Unmatched,
    /// The transaction had ended before.
    Unsent,
}

/// The entry of a unique index that two documents would share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Duplicate {
    /// Paths and values.
    pub(super) values: BsonDocument,
}

impl Writing<'_> {
    /// Inserts documents of one kind. With `in_turn`, one command waits for the one before.
    pub(super) async fn insert_all(
        &self,
        kind: Kind,
        inserts: &[&Insert],
        in_turn: bool,
    ) -> Tried<Vec<Outcome>> {
        let chunks = chunks(inserts, |insert| insert.document.bytes.as_bytes().len());
        self.each_chunk(chunks, in_turn, |chunk| self.insert_chunk(kind, chunk)).await
    }

    /// Replaces documents of one kind.
    pub(super) async fn replace_all(
        &self,
        kind: Kind,
        replaces: &[&Replace],
        in_turn: bool,
    ) -> Tried<Vec<Outcome>> {
        let chunks = chunks(replaces, |replace| replace.document.bytes.as_bytes().len());
        self.each_chunk(chunks, in_turn, |chunk| self.replace_chunk(kind, chunk)).await
    }

    /// Removes documents of one kind.
    pub(super) async fn remove_all(&self, kind: Kind, removes: &[&Remove]) -> Tried<Vec<Outcome>> {
        self.each_chunk(chunks(removes, |_| 0), false, |chunk| self.remove_chunk(kind, chunk)).await
    }

    async fn each_chunk<'c, T: Sync, F>(
        &self,
        chunks: Vec<&'c [T]>,
        in_turn: bool,
        send: impl Fn(&'c [T]) -> F + Sync,
    ) -> Tried<Vec<Outcome>>
    where
        F: Future<Output = Tried<Vec<Outcome>>> + Send,
    {
        let in_flight = if in_turn || !self.is_plain() { 1 } else { COMMANDS_IN_FLIGHT };
        let send = &send;
        let unless_aborted = |chunk: &'c [T]| async move {
            // After a refusal the server knows the transaction no more.
            if self.is_aborted() { Ok(vec![Outcome::Unsent; chunk.len()]) } else { send(chunk).await }
        };
        // Boxed, or the compiler cannot see that it may move between threads.
        let sent = chunks.into_iter().map(|chunk| unless_aborted(chunk).boxed()).collect::<Vec<_>>();
        let sent = stream::iter(sent).buffered(in_flight);
        let outcomes: Vec<Vec<Outcome>> = sent.try_collect().await?;
        Ok(outcomes.concat())
    }

    async fn insert_chunk(&self, kind: Kind, inserts: &[&Insert]) -> Tried<Vec<Outcome>> {
        let token = ObjectId::new();
        let ids: Vec<&Id> = inserts.iter().map(|insert| &insert.document.id).collect();
        let mut work = Work::new(inserts.len());
        let mut attempts = self.server.attempts();
        while !work.pending.is_empty() {
            let mut documents = RawArrayBuf::new();
            for &at in &work.pending {
                documents.push(inserted(inserts[at], &self.tokens(token))?);
            }
            let mut command = self.command_on("insert", kind);
            command.append(cstr!("documents"), documents);
            match self.write_command(command).await {
                Ok(reply) => {
                    self.take_errors(&reply, &mut work)?;
                    work.settle_rest(Outcome::Done);
                }
                Err(fault) => self.again(&mut attempts, fault, &mut work).await?,
            }
        }
        // A document that exists may be the one of an attempt whose answer was lost.
        if work.is_unsure {
            let existing = work.all_with(|outcome| *outcome == Outcome::Exists);
            let wanted: Vec<Id> = existing.iter().map(|&at| ids[at].clone()).collect();
            let stored = self.heads(kind, &wanted).await?;
            for at in existing {
                let done = stored.get(ids[at]).map(|stored| has_token(stored, token, Version(0)));
                match done {
                    Some(Some(true)) => work.outcomes[at] = Some(Outcome::Done),
                    Some(None) => return Err(Fault::unknown(ids[at])),
                    _ => {}
                }
            }
        }
        work.finish()
    }

    async fn remove_chunk(&self, kind: Kind, removes: &[&Remove]) -> Tried<Vec<Outcome>> {
        let mut work = Work::new(removes.len());
        let mut attempts = self.server.attempts();
        while !work.pending.is_empty() {
            let mut deletes = RawArrayBuf::new();
            for &at in &work.pending {
                let mut condition = doc! { "_id": removes[at].id.to_string() };
                if let Some(expected) = removes[at].expected {
                    condition.insert("_version", at_version(expected));
                }
                deletes.push(RawDocumentBuf::try_from(&doc! { "q": condition, "limit": 1 })?);
            }
            let sent = work.pending.len();
            let mut command = self.command_on("delete", kind);
            command.append(cstr!("deletes"), deletes);
            match self.write_command(command).await {
                Ok(reply) => {
                    self.take_errors(&reply, &mut work)?;
                    if reply.matched + reply.errors.len() < sent && !self.is_aborted() {
                        self.tell_left(kind, removes, sent, &mut work).await?;
                    }
                    work.settle_rest(Outcome::Done);
                }
                Err(fault) => self.again(&mut attempts, fault, &mut work).await?,
            }
        }
        work.finish()
    }

    /// Tells which documents are still there. Of those that are not, some may have been removed by somebody else at
    /// the same moment; one by itself is told exactly.
    async fn tell_left(&self, kind: Kind, removes: &[&Remove], sent: usize, work: &mut Work) -> Tried<()> {
        let wanted: Vec<Id> = work.pending.iter().map(|&at| removes[at].id.clone()).collect();
        let stored = self.heads(kind, &wanted).await?;
        for &at in &work.pending {
            match stored.get(&removes[at].id) {
                Some(stored) => work.outcomes[at] = Some(Outcome::AtVersion(version_of(stored))),
                None if sent == 1 && !work.is_unsure => work.outcomes[at] = Some(Outcome::Missing),
                None => {}
            }
        }
        Ok(())
    }

    /// What has to be known of documents to tell what became of writes to them.
    pub(super) async fn heads(&self, kind: Kind, ids: &[Id]) -> Tried<FxHashMap<Id, BsonDocument>> {
        let projection = doc! { "_version": 1, TOKEN: 1, "source": 1, "target": 1, "bidirectional": 1 };
        let stored = self.stored(kind, ids, projection).await?;
        let with_id = |stored: BsonDocument| Some((stored.get_str("_id").ok()?.parse().ok()?, stored));
        Ok(stored.into_iter().filter_map(with_id).collect())
    }

    /// Notes what the server refused. A transaction ends with that, whatever else it had in the command.
    pub(super) fn take_errors(&self, reply: &Reply, work: &mut Work) -> Tried<()> {
        work.take_errors(reply)?;
        if self.is_transaction() && !reply.errors.is_empty() {
            self.set_aborted();
            work.settle_rest(Outcome::Unsent);
        }
        Ok(())
    }

    /// Waits for another attempt at a command whose answer was lost.
    pub(super) async fn again(
        &self,
        attempts: &mut super::server::Attempts<'_>,
        fault: Fault,
        work: &mut Work,
    ) -> Tried<()> {
        if !self.may_repeat() {
            return Err(fault);
        }
        attempts.pause_after(fault).await?;
        work.is_unsure = true;
        Ok(())
    }
}

/// The writes of one command and what became of them.
pub(super) struct Work {
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Those of which it is not known.
    pub(super) pending: Vec<usize>,
    /// Whether an answer was lost.
    pub(super) is_unsure: bool,
}

impl Work {
    pub(super) fn new(len: usize) -> Self {
        Self { outcomes: vec![None; len], pending: (0..len).collect(), is_unsure: false }
    }

    /// Notes the writes that the server refused.
    fn take_errors(&mut self, reply: &Reply) -> Tried<()> {
        for error in &reply.errors {
            let Some(&at) = self.pending.get(error.index) else { continue };
            match &error.told {
                Told::Outcome(outcome) => self.outcomes[at] = Some(outcome.clone()),
                Told::Failure(reason) => {
                    return Err(Fault::Failed { code: error.code, reason: reason.clone() });
                }
            }
        }
        self.pending.retain(|&at| self.outcomes[at].is_none());
        Ok(())
    }

    pub(super) fn settle_rest(&mut self, outcome: Outcome) {
        for at in self.pending.drain(..) {
            self.outcomes[at].get_or_insert(outcome.clone());
        }
    }

    /// Makes those with some outcomes pending again.
    pub(super) fn reopen(&mut self, is_open: impl Fn(&Outcome) -> bool) {
        self.pending = self.all_with(is_open);
        for &at in &self.pending {
            self.outcomes[at] = None;
        }
    }

    fn all_with(&self, is_wanted: impl Fn(&Outcome) -> bool) -> Vec<usize> {
        let outcomes = self.outcomes.iter().enumerate();
        outcomes.filter(|(_, found)| found.as_ref().is_some_and(&is_wanted)).map(|(at, _)| at).collect()
    }

    pub(super) fn finish(self) -> Tried<Vec<Outcome>> {
        Ok(self.outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Done)).collect())
    }
}

/// Cuts a list into parts that one command takes each.
fn chunks<T>(list: &[T], bytes_of: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut chunks = Vec::new();
    // What fits into few commands is dealt out to as many as may be under way.
    let statements = list.len().div_ceil(COMMANDS_IN_FLIGHT).clamp(FEWEST_STATEMENTS, STATEMENTS);
    let (mut start, mut bytes) = (0, 0);
    for (at, item) in list.iter().enumerate() {
        let next = bytes_of(item);
        if at > start && (at - start == statements || bytes + next > COMMAND_BYTES) {
            chunks.push(&list[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += next;
    }
    if start < list.len() {
        chunks.push(&list[start..]);
    }
    chunks
}

/// A new document with its hidden members.
fn inserted(insert: &Insert, tokens: &[ObjectId]) -> Tried<RawDocumentBuf> {
    let mut document = insert.document.bytes.clone();
    let mut hidden = doc! { TOKEN: tokens.to_vec() };
    if let Some(parallel) = &insert.parallel {
        hidden.insert(PARALLEL, parallel.clone());
    }
    append_all(&mut document, &RawDocumentBuf::try_from(&hidden)?)?;
    Ok(document)
}

fn append_all(document: &mut RawDocumentBuf, members: &RawDocument) -> Tried<()> {
    for member in members {
        let (name, value) = member?;
        document.append(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_cut_by_number_and_by_size() {
        let lens =
            |list: &[usize]| chunks(list, |&bytes| bytes).iter().map(|chunk| chunk.len()).collect::<Vec<_>>();
        assert_eq!(lens(&[]), [0; 0]);
        assert_eq!(lens(&[1; 100]), [100]);
        assert_eq!(lens(&[1; 300]), [250, 50]);
        assert_eq!(lens(&[1; 1_000]), [250; 4]);
        assert_eq!(lens(&[1; 2_001]), [500, 500, 500, 500, 1]);
        assert_eq!(lens(&[9 << 20, 9 << 20, 1, 20 << 20, 1]), [1, 2, 1, 1]);
    }
}
