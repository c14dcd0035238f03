//! Removing entries: by key, by tag, by pattern, all of them. Guards are set first, so that what is being computed is
//! not filled in behind.

use redis::{Cmd, Pipeline, Value};
use wayfare_graph::RemoteError;

use super::check;
use super::fault::{Fault, bytes, count, done, list};
use super::link::{Link, Live};
use super::pattern;
use super::script::Script;

/// How many keys are removed, and looked at, by one command.
const AT_ONCE: usize = 1_000;

impl Link {
    pub(super) async fn delete(&self, keys: &[String]) -> Result<u64, RemoteError> {
        for key in keys {
            check::name("key", key).map_err(|fault| self.told(fault))?;
        }
        let live = self.live()?;
        let mut removed = 0;
        for keys in keys.chunks(AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(keys.len() + 1);
            for key in keys {
                pipeline.add_command(self.guard(&self.keys.key_guard(key)));
            }
            let names: Vec<_> = keys.iter().map(|key| self.keys.entry(key)).collect();
            pipeline.add_command(unlink(&names));
            let answers = self.run(&live, &pipeline).await?;
            removed += guarded_count(&answers).map_err(|fault| self.failed(&live, fault))?;
        }
        Ok(removed)
    }

    pub(super) async fn invalidate(&self, tags: &[String]) -> Result<u64, RemoteError> {
        for tag in tags {
            check::name("tag", tag).map_err(|fault| self.told(fault))?;
        }
        let live = self.live()?;
        for tags in tags.chunks(AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(tags.len());
            for tag in tags {
                pipeline.add_command(self.guard(&self.keys.tag_guard(tag)));
            }
            let answers = self.run(&live, &pipeline).await?;
            answers.iter().try_for_each(done).map_err(|fault| self.failed(&live, fault))?;
        }
        let mut removed = 0;
        for tag in tags {
            removed += self.sweep(&live, self.keys.tag(tag).as_bytes()).await?;
        }
        Ok(removed)
    }

    pub(super) async fn delete_matching(&self, wanted: &str) -> Result<u64, RemoteError> {
        let live = self.live()?;
        self.guard_all(&live).await?;
        let for_server = pattern::for_server(&self.keys.entries, wanted);
        let mut removed = 0;
        let mut scan = Scan::new(for_server);
        while let Some(mut names) = self.scan(&live, &mut scan).await? {
            names.retain(|name| {
                let key = name.strip_prefix(self.keys.entries.as_bytes());
                let key = key.and_then(|key| std::str::from_utf8(key).ok());
                key.is_some_and(|key| pattern::matches(wanted, key))
            });
            removed += self.unlink(&live, &names).await?;
        }
        Ok(removed)
    }

    pub(super) async fn clear(&self) -> Result<(), RemoteError> {
        let live = self.live()?;
        self.guard_all(&live).await?;
        let mut entries = Scan::new(pattern::for_server(&self.keys.entries, "*"));
        while let Some(names) = self.scan(&live, &mut entries).await? {
            self.unlink(&live, &names).await?;
        }
        // Not removed as they are: one that was put meanwhile would be left, and its tags would not know it.
        let mut tags = Scan::new(pattern::for_server(&self.keys.tags, "*"));
        while let Some(names) = self.scan(&live, &mut tags).await? {
            for name in names {
                self.sweep(&live, &name).await?;
            }
        }
        Ok(())
    }

    /// Sets the guard of all entries. It does not expire, as it is one for a cache, and everybody would be told.
    async fn guard_all(&self, live: &Live) -> Result<(), RemoteError> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("SET").arg(&self.keys.all_guard).arg(&self.stamps.next()[..]);
        let answers = self.run(live, &pipeline).await?;
        answers.iter().try_for_each(done).map_err(|fault| self.failed(live, fault))
    }

    /// Removes the entries in the set of a tag, until it is empty.
    async fn sweep(&self, live: &Live, set: &[u8]) -> Result<u64, RemoteError> {
        let mut removed = 0;
        loop {
            let answers = self
                .run_scripts(live, |scripts| {
                    let mut sweep = scripts.call(Script::Sweep, 1);
                    sweep.arg(set).arg(&self.keys.entries).arg(AT_ONCE);
                    let mut pipeline = Pipeline::new();
                    pipeline.add_command(sweep);
                    pipeline
                })
                .await?;
            let (taken, gone) = swept(&answers).map_err(|fault| self.failed(live, fault))?;
            removed += gone;
            // Fewer than asked for: it was empty then.
            if taken < AT_ONCE as u64 {
                return Ok(removed);
            }
        }
    }

    /// The next names of a scan; `None` when it has gone through all.
    async fn scan(&self, live: &Live, scan: &mut Scan) -> Result<Option<Vec<Vec<u8>>>, RemoteError> {
        let Some(cursor) = scan.cursor.take() else { return Ok(None) };
        let mut pipeline = Pipeline::new();
        let ask = pipeline.cmd("SCAN").arg(cursor);
        ask.arg("MATCH").arg(&scan.pattern).arg("COUNT").arg(AT_ONCE);
        let answers = self.run(live, &pipeline).await?;
        let (cursor, names) = scanned(&answers).map_err(|fault| self.failed(live, fault))?;
        scan.cursor = (cursor != b"0").then_some(cursor);
        Ok(Some(names))
    }

    async fn unlink(&self, live: &Live, names: &[Vec<u8>]) -> Result<u64, RemoteError> {
        let mut removed = 0;
        // A scan may give more than it was asked for.
        for names in names.chunks(AT_ONCE) {
            let mut pipeline = Pipeline::new();
            pipeline.add_command(unlink(names));
            let answers = self.run(live, &pipeline).await?;
            removed += guarded_count(&answers).map_err(|fault| self.failed(live, fault))?;
        }
        Ok(removed)
    }
}

/// Goes through all names on the server.
struct Scan {
    pattern: String,
    cursor: Option<Vec<u8>>,
}

impl Scan {
    fn new(pattern: String) -> Self {
        Self { pattern, cursor: Some(b"0".to_vec()) }
    }
}

fn unlink(names: &[impl redis::ToRedisArgs]) -> Cmd {
    let mut unlink = Cmd::new();
    unlink.arg("UNLINK").arg(names);
    unlink
}

/// The count at the end of answers that say that guards were set.
fn guarded_count(answers: &[Value]) -> Result<u64, Fault> {
    let [guards @ .., removed] = answers else { return Err(Fault::Garbage("no answer".into())) };
    guards.iter().try_for_each(done)?;
    count(removed)
}

fn swept(answers: &[Value]) -> Result<(u64, u64), Fault> {
    let [answer] = answers else { return Err(Fault::Garbage("no answer".into())) };
    match list(answer)? {
        [taken, gone] => Ok((count(taken)?, count(gone)?)),
        _ => Err(Fault::Garbage("not two counts".into())),
    }
}

fn scanned(answers: &[Value]) -> Result<(Vec<u8>, Vec<Vec<u8>>), Fault> {
    let [answer] = answers else { return Err(Fault::Garbage("no answer".into())) };
    let [cursor, names] = list(answer)? else { return Err(Fault::Garbage("no scan".into())) };
    let cursor = bytes(cursor)?.ok_or_else(|| Fault::Garbage("no cursor".into()))?.to_vec();
    let names = list(names)?.iter().map(|name| Ok(bytes(name)?.unwrap_or_default().to_vec()));
    Ok((cursor, names.collect::<Result<_, Fault>>()?))
}
