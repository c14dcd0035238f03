//! Budgets over updates in MongoDB. The rival is the driver used by hand, on the same server.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use wayfare::{Body, Config, Document, Id, KeySource, Runtime, Store, Stored, Write, WriteBatch};
use wayfare_stores::{MongoOptions, MongoStore};
use wayfare_testkit::{ReplicaSet, unique_database};

use crate::driver::Driver;
use crate::measure::{Line, all_in_turn, in_turn, timed};
use crate::resident::block_on;
use crate::stored::{Account, make_accounts};

const RUNS: usize = 5;
const UPDATES: u64 = 10_000;

/// Writes in a commit of the runtime's writer.
const COMMIT: usize = 1_000;

/// Of one after another, each taking the time of a commit.
const SINGLE_UPDATES: usize = 200;

/// Accounts in MongoDB as Wayfare has them.
pub struct Accounts {
    store: Arc<dyn Store>,
    pub runtime: Runtime,
    pub url: String,
    pub ids: Vec<Id>,
}

impl Accounts {
    /// Makes them in a database of their own; `None`, said aloud, where there is no MongoDB.
    pub fn make(number: u64) -> Option<Self> {
        let url = ReplicaSet::shared_single()?.url(&unique_database("accounts"));
        let store: Arc<dyn Store> = Arc::new(MongoStore::open(&url, MongoOptions::default()).unwrap());
        let config = Config::builder().build().unwrap();
        let runtime = Runtime::with_store(Arc::clone(&store), KeySource::system(), &config).unwrap();
        let ids = make_accounts(&runtime.graph(), number);
        Some(Self { store, runtime, url, ids })
    }

    fn stored(&self) -> Vec<Stored<Account>> {
        let stored = block_on(self.runtime.graph().get_many(&self.ids)).unwrap();
        stored.into_iter().flatten().collect()
    }

    fn update_many(&self) -> Duration {
        let graph = self.runtime.graph();
        let (updated, elapsed) = timed(|| {
            block_on(graph.update_many(&self.ids, |account: &mut Account| account.balance += 1)).unwrap()
        });
        assert!(updated.iter().all(Result::is_ok));
        elapsed
    }

    fn save_many(&self) -> Duration {
        let mut stored = self.stored();
        stored.iter_mut().for_each(|account| account.balance += 1);
        let (saved, elapsed) = timed(|| block_on(self.runtime.graph().save_many(stored.iter_mut())).unwrap());
        assert!(saved.is_complete(), "{saved}");
        elapsed
    }

    /// Saves past the runtime, in calls of a commit each.
    fn apply(&self, calls_in_flight: usize) -> Duration {
        let saves: Vec<Write> = self.stored().into_iter().map(|account| changed(&account)).collect();
        let batch = |writes: &[Write]| [WriteBatch { writes: writes.to_vec(), all_or_nothing: false }];
        let batches: Vec<[WriteBatch; 1]> = saves.chunks(COMMIT).map(batch).collect();
        let (results, elapsed) = timed(|| {
            let calls = stream::iter(&batches).map(|batch| self.store.apply(batch));
            block_on(calls.buffered(calls_in_flight).collect::<Vec<_>>())
        });
        let results: Vec<_> = results.into_iter().flat_map(|applied| applied.unwrap().concat()).collect();
        assert!(results.len() == saves.len() && results.iter().all(Result::is_ok));
        elapsed
    }
}

fn changed(account: &Stored<Account>) -> Write {
    let Account { name, balance, note } = &**account;
    let value = Account { name: name.clone(), balance: balance + 1, note: note.clone() };
    let document: &Document = account.document();
    Write::Save { document: document.clone().with_body(Body::encode(&value).unwrap()) }
}

pub fn bulk() -> Vec<Line> {
    let Some(accounts) = Accounts::make(UPDATES) else { return Vec::new() };
    let mut driver = hand(UPDATES);
    let mut balance = 0;
    let mut by_hand = || {
        balance += 1;
        timed(|| assert!(driver.update_all(balance, false).is_empty())).1
    };
    let [theirs, update_many, save_many, in_turn, at_once] = all_in_turn(
        RUNS,
        [
            &mut by_hand,
            &mut || accounts.update_many(),
            &mut || accounts.save_many(),
            &mut || accounts.apply(1),
            &mut || accounts.apply(4),
        ],
    );
    let stored = block_on(accounts.runtime.graph().get::<Account>(&accounts.ids[7])).unwrap().unwrap();
    assert_eq!((stored.balance, stored.version().0), (4 * RUNS as i64, 4 * RUNS as u64 + 1));
    let line = |work, own: f64| Line::times(work, theirs * 1e3, own * 1e3, 1.3, "ms");
    vec![
        line("MongoDB, 10,000 versioned updates, update_many", update_many),
        line("the same, save_many", save_many),
        line("the same, Store::apply, 1,000 after 1,000", in_turn),
        line("the same, four calls of Store::apply at once", at_once),
    ]
}

/// The rival, with accounts in a database of its own on the same server.
fn hand(number: u64) -> Driver {
    let set = ReplicaSet::shared_single().unwrap();
    let mut driver = Driver::new(&set.url(&unique_database("by_hand")));
    driver.make_accounts(number);
    driver
}

pub fn conflicts() -> Vec<Line> {
    let Some(accounts) = Accounts::make(UPDATES) else { return Vec::new() };
    let mut driver = hand(UPDATES);
    let somebody_else = Driver::new(&accounts.url);
    let works = [
        (100, "10,000 updates, 1 % conflicts, each named"),
        (10, "10,000 updates, 10 % conflicts, each named"),
    ];
    works.map(|(every, work)| conflicts_at(&accounts, &mut driver, &somebody_else, every, work)).into()
}

fn conflicts_at(
    accounts: &Accounts,
    driver: &mut Driver,
    somebody_else: &Driver,
    every: usize,
    work: &'static str,
) -> Line {
    let contended: Vec<Id> = accounts.ids.iter().step_by(every).cloned().collect();
    let texts: Vec<String> = contended.iter().map(ToString::to_string).collect();
    let mut balance = 0;
    let by_hand = || {
        driver.bump(&contended);
        balance += 1;
        let (mut conflicts, elapsed) = timed(|| driver.update_all(balance, true));
        conflicts.sort();
        assert_eq!(conflicts, texts);
        elapsed
    };
    let ours = || {
        let mut stored = accounts.stored();
        stored.iter_mut().for_each(|account| account.balance += 1);
        somebody_else.bump(&contended);
        let (saved, elapsed) =
            timed(|| block_on(accounts.runtime.graph().save_many(stored.iter_mut())).unwrap());
        assert!(saved.conflicts.iter().map(|conflict| &conflict.id).eq(&contended), "{saved}");
        assert!(saved.conflicts.iter().all(|conflict| conflict.found == conflict.expected.next()));
        assert_eq!(saved.saved.len() + contended.len(), accounts.ids.len());
        elapsed
    };
    let (theirs, own) = in_turn(RUNS, by_hand, ours);
    Line::times(work, theirs * 1e3, own * 1e3, 1.3, "ms")
}

pub fn single() -> Vec<Line> {
    let Some(accounts) = Accounts::make(SINGLE_UPDATES as u64) else { return Vec::new() };
    let mut driver = hand(SINGLE_UPDATES as u64);
    let graph = accounts.runtime.graph();
    let mut balance = 0;
    let mut by_hand = || {
        balance += 1;
        timed(|| driver.update_singly(SINGLE_UPDATES, balance)).1
    };
    let mut update = || {
        let update = async |id: &Id| graph.update(id, |account: &mut Account| account.balance += 1).await;
        timed(|| {
            block_on(async {
                for id in &accounts.ids {
                    update(id).await.unwrap();
                }
            })
        })
        .1
    };
    let mut save = || {
        let mut stored = accounts.stored();
        timed(|| {
            block_on(async {
                for account in &mut stored {
                    account.balance += 1;
                    graph.save(account).await.unwrap();
                }
            })
        })
        .1
    };
    let [theirs, update, save] = all_in_turn(RUNS, [&mut by_hand, &mut update, &mut save]);
    let each = |seconds: f64| seconds / SINGLE_UPDATES as f64 * 1e3;
    vec![
        Line::compared("one update after another, update, each", each(theirs), each(update), "ms"),
        Line::compared("the same, save", each(theirs), each(save), "ms"),
    ]
}
