//! Looking up: entries and guards in one round trip.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};
use wayfare_graph::{LookUp, LookedUp, RemoteEntry, RemoteError};

use super::check;
use super::entry::{Entry, decoded};
use super::fault::{Fault, bytes, list, number, number_in_text};
use super::link::Link;
use super::ticket::Seen;

impl Link {
    pub(super) async fn look_up(&self, wanted: &[LookUp]) -> Result<Vec<LookedUp>, RemoteError> {
        for LookUp { key, tags } in wanted {
            check::names(key, tags).map_err(|fault| self.told(fault))?;
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let live = self.live()?;
        let answers = self.run(&live, &self.questions(wanted)).await?;
        let looked_up = looked_up(wanted, live.generation, &answers);
        looked_up.map_err(|fault| self.failed(&live, fault))
    }

    pub(super) async fn peek(
        self: &Arc<Self>,
        keys: &[&str],
    ) -> Result<Vec<Option<RemoteEntry>>, RemoteError> {
        for key in keys {
            check::names(key, &[]).map_err(|fault| self.told(fault))?;
        }
        match keys {
            [] => Ok(Vec::new()),
            [key] => Ok(vec![self.peek_one(key).await?]),
            keys => self.mget(keys, self.options.call_timeout).await,
        }
    }

    /// The entry of a key, by a command of its own.
    pub(super) async fn get(&self, key: &str) -> Result<Option<RemoteEntry>, RemoteError> {
        let live = self.live()?;
        let mut read = Cmd::new();
        read.arg("GET").arg(self.keys.entry(key));
        let answer = self.run_one(&live, &read, self.options.call_timeout).await?;
        entry(&answer, self.time.now_ms()).map_err(|fault| self.failed(&live, fault))
    }

    /// The entries of some keys, in order, by one command, which may take so long.
    pub(super) async fn mget(
        &self,
        keys: &[&str],
        limit: Duration,
    ) -> Result<Vec<Option<RemoteEntry>>, RemoteError> {
        let live = self.live()?;
        let mut read = Cmd::new();
        read.arg("MGET");
        for key in keys {
            read.arg(self.keys.entry(key));
        }
        let answer = self.run_one(&live, &read, limit).await?;
        let now = self.time.now_ms();
        let entries = list(&answer).and_then(|values| match values.len() == keys.len() {
            true => values.iter().map(|value| entry(value, now)).collect::<Result<Vec<_>, Fault>>(),
            false => Err(Fault::Garbage("another number of values than keys".into())),
        });
        entries.map_err(|fault| self.failed(&live, fault))
    }

    /// The time; all entries and guards; how long each entry is kept.
    fn questions(&self, wanted: &[LookUp]) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(2 + wanted.len());
        pipeline.cmd("TIME");
        let mut read = Cmd::new();
        read.arg("MGET").arg(&self.keys.all_guard);
        for LookUp { key, tags } in wanted {
            read.arg(self.keys.entry(key)).arg(self.keys.key_guard(key));
            for tag in tags {
                read.arg(self.keys.tag_guard(tag));
            }
        }
        pipeline.add_command(read);
        for LookUp { key, .. } in wanted {
            pipeline.cmd("PTTL").arg(self.keys.entry(key));
        }
        pipeline
    }
}

/// What a value says that was read now, if it is an entry that is still kept.
fn entry(value: &Value, now_ms: u64) -> Result<Option<RemoteEntry>, Fault> {
    let entry = bytes(value)?.and_then(decoded);
    // What ends within the millisecond is not there any more.
    let entry = entry.filter(|entry| entry.ends_ms > now_ms);
    Ok(entry.map(|Entry { ends_ms, tags, value, .. }| RemoteEntry {
        value,
        left: Duration::from_millis(ends_ms - now_ms),
        tags,
    }))
}

fn looked_up(wanted: &[LookUp], generation: u64, answers: &[Value]) -> Result<Vec<LookedUp>, Fault> {
    let [time, read, lefts @ ..] = answers else { return Err(too_few()) };
    let at = number_in_text(list(time)?.first().ok_or_else(too_few)?)?;
    let mut read = list(read)?.iter();
    let mut next = || bytes(read.next().ok_or_else(too_few)?);
    let all_guard = next()?.map(<[u8]>::to_vec);
    let mut found = Vec::with_capacity(wanted.len());
    for (LookUp { key, tags }, left) in wanted.iter().zip(lefts) {
        let entry = next()?.and_then(decoded);
        let stamp = entry.as_ref().map(|entry| entry.stamp.to_vec());
        let key_guard = next()?.map(<[u8]>::to_vec);
        let guarded = tags.iter().map(|tag| Ok((tag.clone(), next()?.map(<[u8]>::to_vec))));
        let tag_guards = guarded.collect::<Result<_, Fault>>()?;
        let left = left_of(number(left)?);
        let entry =
            entry.zip(left).map(|(entry, left)| RemoteEntry { value: entry.value, left, tags: entry.tags });
        let key = key.clone();
        let seen = Seen { generation, at, key, stamp, key_guard, all_guard: all_guard.clone(), tag_guards };
        found.push(LookedUp { entry, ticket: seen.into_ticket() });
    }
    Ok(found)
}

/// How long something is kept that has this many milliseconds; `None` when it has just ended.
fn left_of(milliseconds: i64) -> Option<Duration> {
    match milliseconds {
        // Somebody has taken the time from it.
        -1 => Some(check::MAX_TTL),
        _ => u64::try_from(milliseconds).ok().filter(|&left| left > 0).map(Duration::from_millis),
    }
}

fn too_few() -> Fault {
    Fault::Garbage("fewer answers than questions".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_too_short_or_of_other_kinds_are_garbage() {
        let wanted = [LookUp { key: "a".into(), tags: vec!["t".into()] }];
        let time = Value::Array(vec![Value::BulkString(b"1800000000".to_vec()), Value::Nil]);
        let read = |count| Value::Array(vec![Value::Nil; count]);
        for answers in [
            vec![],
            vec![Value::Okay, Value::Okay, Value::Okay],
            vec![time.clone(), read(3), Value::Int(-2)],
            vec![time.clone(), Value::Nil, Value::Int(-2)],
            vec![time.clone(), read(4), Value::Okay],
        ] {
            assert!(matches!(looked_up(&wanted, 0, &answers), Err(Fault::Garbage(_))), "{answers:?}");
        }
        let found = looked_up(&wanted, 0, &[time, read(4), Value::Int(-2)]).unwrap();
        assert_eq!(found[0].entry, None);
    }
}
