//! Keeping values: those that were computed, and those that somebody sets.

use redis::{Cmd, Pipeline, Value};
use wayfare_graph::{RemoteError, RemotePut, TICKET_LIFE, Ticket};

use super::check;
use super::entry::{HEAD, encoded};
use super::fault::{Fault, done, list, number};
use super::link::Link;
use super::script::{Script, Scripts};
use super::stamp::Stamp;
use super::ticket::Seen;

/// How long guards stay: longer than any ticket that was given before.
pub(super) const GUARD_LIFE_MS: u64 = TICKET_LIFE.as_secs() * 2_000;

impl Link {
    pub(super) async fn fill(&self, put: &RemotePut, ticket: &Ticket) -> Result<bool, RemoteError> {
        check::put(put).map_err(|fault| self.told(fault))?;
        let live = self.live()?;
        let Some(seen) = Seen::of(ticket) else { return Ok(false) };
        if seen.generation != live.generation || seen.key != put.key {
            return Ok(false);
        }
        let guards = put.tags.iter().map(|tag| seen.tag_guard(tag));
        let Some(guards) = guards.collect::<Option<Vec<_>>>() else { return Ok(false) };
        let stamp = self.stamps.next();
        let entry = self.entry_of(put, stamp);
        let make =
            |scripts: Scripts<'_>| self.transaction_of_fill(scripts, put, &seen, &guards, stamp, &entry);
        let answers = self.run_scripts(&live, make).await?;
        is_kept(&answers).map_err(|fault| self.failed(&live, fault))
    }

    /// The script leaves the entry beside where it belongs, or nothing. A command puts it there, or finds nothing: had
    /// the script done it, the server would tell it as a change of somebody else.
    fn transaction_of_fill(
        &self,
        scripts: Scripts<'_>,
        put: &RemotePut,
        seen: &Seen,
        tag_guards: &[Option<&[u8]>],
        stamp: Stamp,
        entry: &[u8],
    ) -> Pipeline {
        let (keys, tags) = (&self.keys, &put.tags);
        let (name, beside) = (keys.entry(&put.key), keys.fill(&stamp));
        let mut decide = scripts.call(Script::Fill, 4 + 2 * tags.len());
        decide.arg(&name).arg(&beside).arg(keys.key_guard(&put.key)).arg(&keys.all_guard);
        tags.iter().for_each(|tag| _ = decide.arg(keys.tag_guard(tag)));
        tags.iter().for_each(|tag| _ = decide.arg(keys.tag(tag)));
        decide.arg(&put.key).arg(check::ttl_ms(put.ttl)).arg(entry).arg(&HEAD[..]);
        decide.arg(seen.at + TICKET_LIFE.as_secs());
        let none: &[u8] = b"";
        decide.arg(seen.stamp.as_deref().unwrap_or(none));
        decide.arg(seen.key_guard.as_deref().unwrap_or(none));
        decide.arg(seen.all_guard.as_deref().unwrap_or(none));
        tag_guards.iter().for_each(|guard| _ = decide.arg(guard.unwrap_or(none)));

        let mut pipeline = Pipeline::new();
        pipeline.cmd("MULTI");
        pipeline.add_command(decide);
        pipeline.cmd("RENAME").arg(&beside).arg(&name);
        pipeline.cmd("EXEC");
        pipeline
    }

    pub(super) async fn put(&self, puts: &[RemotePut]) -> Result<(), RemoteError> {
        puts.iter().try_for_each(check::put).map_err(|fault| self.told(fault))?;
        let live = self.live()?;
        if puts.is_empty() {
            return Ok(());
        }
        let answers = self.run_scripts(&live, |scripts| self.transactions_of_puts(scripts, puts)).await?;
        answers.iter().try_for_each(is_put).map_err(|fault| self.failed(&live, fault))
    }

    /// One transaction for each, so that nobody finds an entry that its tags do not know.
    fn entry_of(&self, put: &RemotePut, stamp: Stamp) -> Vec<u8> {
        encoded(stamp, self.time.now_ms().saturating_add(check::ttl_ms(put.ttl)), &put.tags, &put.value)
    }

    fn transactions_of_puts(&self, scripts: Scripts<'_>, puts: &[RemotePut]) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(5 * puts.len());
        for put in puts {
            let ttl = check::ttl_ms(put.ttl);
            let stamp = self.stamps.next();
            pipeline.cmd("MULTI");
            pipeline.add_command(self.guard(&self.keys.key_guard(&put.key)));
            if !put.tags.is_empty() {
                let mut tag = scripts.call(Script::Tag, put.tags.len());
                put.tags.iter().for_each(|name| _ = tag.arg(self.keys.tag(name)));
                pipeline.add_command(tag.arg(&put.key).arg(ttl).to_owned());
            }
            let entry = self.entry_of(put, stamp);
            pipeline.cmd("SET").arg(self.keys.entry(&put.key)).arg(entry).arg("PX").arg(ttl);
            pipeline.cmd("EXEC");
        }
        pipeline
    }

    /// Sets a guard: tickets that were given before are no good any more.
    pub(super) fn guard(&self, name: &str) -> Cmd {
        let mut set = Cmd::new();
        set.arg("SET").arg(name).arg(&self.stamps.next()[..]).arg("PX").arg(GUARD_LIFE_MS);
        set
    }
}

/// Reads what the transaction of a fill answers.
fn is_kept(answers: &[Value]) -> Result<bool, Fault> {
    // A transaction whose commands were refused says so at its end, and why before.
    if let Some(refused) = answers.iter().find(|answer| matches!(answer, Value::ServerError(_))) {
        return Err(Fault::unexpected(refused));
    }
    let [_, _, _, executed] = answers else { return Err(Fault::Garbage("no transaction".into())) };
    let [decided, moved] = list(executed)? else { return Err(Fault::Garbage("no transaction".into())) };
    match number(decided)? {
        0 => Ok(false),
        _ => done(moved).map(|()| true),
    }
}

/// Reads an answer within the transactions of puts.
fn is_put(answer: &Value) -> Result<(), Fault> {
    match answer {
        Value::ServerError(_) | Value::Nil => Err(Fault::unexpected(answer)),
        Value::Array(executed) => executed.iter().try_for_each(is_put),
        _ => Ok(()),
    }
}
