//! Replacing documents at the versions that were read, in few commands.
//!
//! Whoever sends 500 updates in a command is told how many matched, not which. That is found out in one of two ways.
//!
//! Where it can be, each update is an upsert that fails instead of inserting: the server then names those that matched
//! nothing, by their errors. Reading the documents again afterwards would not do, because by then others may have
//! written over what was written here.
//!
//! In a transaction an error would end it, and on a sharded cluster an upsert may need to know a shard key. There the
//! documents are read again where fewer matched than were sent, and those with the token of the command were written.
//! A transaction sees nothing of others; on a sharded cluster a document that was written twice more in that moment is
//! told as a conflict, after which its caller reads it again.

use bson::oid::ObjectId;
use bson::raw::RawArrayBuf;
use bson::{Document as BsonDocument, RawBson, RawDocumentBuf, cstr, doc, rawdoc};
use wayfare_graph::{Ends, Id, Kind};

use super::bulk::{Outcome, Replace, Work};
use super::document::{PARALLEL, TOKEN, TOKENS, at_version, has_token, version_of};
use super::fault::{Fault, Tried};
use super::writing::Writing;

/// How often updates that matched nothing for no visible reason are sent again.
const PUZZLES: u32 = 3;

impl Writing<'_> {
    /// Replaces documents of one kind by one command, and more where something is left open.
    ///
    /// Those whose members can be set are first sent so, and what the server does not take that way as a whole.
    pub(super) async fn replace_chunk(&self, kind: Kind, replaces: &[&Replace]) -> Tried<Vec<Outcome>> {
        let token = ObjectId::new();
        let names_unmatched = !self.is_transaction() && !self.server.is_sharded;
        let hidden = Hidden::new(kind, &self.tokens(token), names_unmatched)?;
        let mut work = Work::new(replaces.len());
        let mut attempts = self.server.attempts();
        let mut puzzles = 0;
        while !work.pending.is_empty() {
            let mut updates = RawArrayBuf::new();
            for &at in &work.pending {
                let replace = replaces[at];
                updates.push(match puzzles == 0 && replace.document.is_settable {
                    true => hidden.setting(replace)?,
                    false => hidden.replacement(replace)?,
                });
            }
            let sent = work.pending.len();
            let mut command = self.command_on("update", kind);
            command.append(cstr!("updates"), updates);
            let reply = match self.write_command(command).await {
                Ok(reply) => reply,
                Err(fault) => {
                    self.again(&mut attempts, fault, &mut work).await?;
                    continue;
                }
            };
            self.take_errors(&reply, &mut work)?;
            if names_unmatched || self.is_aborted() || reply.matched + reply.errors.len() == sent {
                work.settle_rest(Outcome::Done);
                let is_open = |outcome: &Outcome| match outcome {
                    Outcome::Unmatched => true,
                    Outcome::Unsuitable(_) => puzzles == 0 && !self.is_aborted(),
                    _ => false,
                };
                work.reopen(is_open);
            }
            if !work.pending.is_empty() {
                puzzles += 1;
                // Named ones were not written now, but perhaps by an attempt whose answer was lost.
                let token = (!names_unmatched || work.is_unsure).then_some(token);
                self.tell_apart(kind, replaces, token, &mut work, puzzles > PUZZLES).await?;
            }
        }
        work.finish()
    }

    /// Finds out why the pending replacements matched nothing; with a token, whether they did.
    async fn tell_apart(
        &self,
        kind: Kind,
        replaces: &[&Replace],
        token: Option<ObjectId>,
        work: &mut Work,
        is_last: bool,
    ) -> Tried<()> {
        let wanted: Vec<Id> = work.pending.iter().map(|&at| replaces[at].document.id.clone()).collect();
        let stored = self.heads(kind, &wanted).await?;
        for at in std::mem::take(&mut work.pending) {
            let Replace { document, expected } = replaces[at];
            let found = stored.get(&document.id);
            let done = match (found, token) {
                (Some(stored), Some(token)) => has_token(stored, token, *expected),
                // What is gone may have been written before it went.
                (None, Some(_)) if work.is_unsure => None,
                _ => Some(false),
            };
            let outcome = match found {
                _ if done.is_none() && work.is_unsure => return Err(Fault::unknown(&document.id)),
                None => Outcome::Missing,
                Some(_) if done == Some(true) => Outcome::Done,
                Some(stored) if version_of(stored) != *expected => Outcome::AtVersion(version_of(stored)),
                Some(stored) if !has_ends(stored, document.ends.as_ref()) => Outcome::OtherEnds,
                // It came back to what was wanted since the command looked at it.
                Some(_) if !is_last => {
                    work.pending.push(at);
                    continue;
                }
                Some(stored) => Outcome::AtVersion(version_of(stored)),
            };
            work.outcomes[at] = Some(outcome);
        }
        Ok(())
    }
}

/// What all statements of a command have in common.
struct Hidden {
    /// The members that a replacement keeps or writes beside those of the document.
    members: RawDocumentBuf,
    /// The change that leaves tokens.
    pushed: RawDocumentBuf,
    /// Whether a statement is an error where it matches nothing.
    fails_unmatched: bool,
}

impl Hidden {
    fn new(kind: Kind, tokens: &[ObjectId], fails_unmatched: bool) -> Tried<Self> {
        let kept = doc! { "$cond": [{ "$isArray": "$_token" }, "$_token", []] };
        let all = doc! { "$slice": [{ "$concatArrays": [tokens.to_vec(), kept] }, TOKENS] };
        let mut members = doc! { TOKEN: all };
        if kind == Kind::Edge {
            // Where it is missing, so it stays.
            members.insert(PARALLEL, "$_parallel");
        }
        let pushed = doc! { TOKEN: { "$each": tokens.to_vec(), "$position": 0, "$slice": TOKENS } };
        let (members, pushed) = (RawDocumentBuf::try_from(&members)?, RawDocumentBuf::try_from(&pushed)?);
        Ok(Self { members, pushed, fails_unmatched })
    }

    /// One statement of an `update` command, which sets members: a third cheaper than replacing the whole.
    fn setting(&self, replace: &Replace) -> Tried<RawDocumentBuf> {
        let mut members = RawDocumentBuf::new();
        for member in &replace.document.bytes {
            let (name, value) = member?;
            if name != "_id" {
                members.append(name, value);
            }
        }
        let mut change = RawDocumentBuf::new();
        change.append(cstr!("$set"), members);
        change.append(cstr!("$push"), self.pushed.as_ref());
        if self.fails_unmatched {
            // An id is text, in which there can be no member.
            change.append(cstr!("$setOnInsert"), rawdoc! { "_id.none": true });
        }
        self.statement(replace, change.into())
    }

    /// One statement of an `update` command, which replaces the whole.
    fn replacement(&self, replace: &Replace) -> Tried<RawDocumentBuf> {
        let mut parts = RawArrayBuf::new();
        parts.push(rawdoc! { "$literal": replace.document.bytes.clone() });
        parts.push(self.members.as_ref());
        let mut new = rawdoc! { "$mergeObjects": parts };
        if self.fails_unmatched {
            // An upsert begins with what the condition says, in which there is no entity. It must not be a constant:
            // that would fail before anything is looked at.
            let mut branches = RawArrayBuf::new();
            branches.push(rawdoc! { "$eq": [{ "$type": "$entity" }, "missing"] });
            branches.push(rawdoc! { "$toInt": { "$concat": ["nothing matches ", "$_id"] } });
            branches.push(new);
            new = rawdoc! { "$cond": branches };
        }
        let mut pipeline = RawArrayBuf::new();
        pipeline.push(rawdoc! { "$replaceWith": new });
        self.statement(replace, pipeline.into())
    }

    /// A change to the document of a replacement, at the version that is expected.
    fn statement(&self, replace: &Replace, change: RawBson) -> Tried<RawDocumentBuf> {
        let Replace { document, expected } = replace;
        let mut condition = rawdoc! { "_id": document.id.to_string() };
        condition.append(cstr!("_version"), RawBson::try_from(at_version(*expected))?);
        if let Some(ends) = &document.ends {
            append_ends(&mut condition, ends);
        }
        let mut statement = rawdoc! { "q": condition };
        statement.append(cstr!("u"), change);
        if self.fails_unmatched {
            // What would be inserted fails.
            statement.append(cstr!("upsert"), true);
        }
        Ok(statement)
    }
}

fn append_ends(condition: &mut RawDocumentBuf, ends: &Ends) {
    condition.append(cstr!("source"), ends.source.to_string());
    condition.append(cstr!("target"), ends.target.to_string());
    match ends.bidirectional {
        true => condition.append(cstr!("bidirectional"), true),
        // Null also matches where the member is missing.
        false => condition.append(cstr!("bidirectional"), rawdoc! { "$in": [false, RawBson::Null] }),
    }
}

fn has_ends(stored: &BsonDocument, ends: Option<&Ends>) -> bool {
    let Some(ends) = ends else { return true };
    stored.get_str("source").is_ok_and(|source| source == ends.source.to_string())
        && stored.get_str("target").is_ok_and(|target| target == ends.target.to_string())
        && stored.get_bool("bidirectional").unwrap_or_default() == ends.bidirectional
}
