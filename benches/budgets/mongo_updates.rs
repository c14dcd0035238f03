//! Budgets over updates in MongoDB. The rival is the driver used by hand, on the same server.

use std::cell::{Cell, RefCell};
use std::thread::sleep;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use wayfare::{Body, Document, Id, Kind, Runtime, Store, Stored, Write, WriteBatch};
use wayfare_stores::{MongoOptions, MongoStore};
use wayfare_testkit::{ReplicaSet, unique_database};

use crate::driver::Driver;
use crate::measure::{Line, all_in_turn, in_turn, timed};
use crate::resident::block_on;
use crate::stored::{Account, id, make_accounts};

const RUNS: usize = 15;
const UPDATES: u64 = 10_000;

/// Writes in a commit of the runtime's writer.
const COMMIT: usize = 1_000;

/// Of single calls, each taking the time of a commit.
const SINGLE_RUNS: usize = 3;

/// Calls of the runtime in flight, and commands by hand, of which more gain nothing.
const CALLS_IN_FLIGHT: usize = 2_000;
const HAND_IN_FLIGHT: usize = 64;

/// Time before each measurement in which the server gets over the one before: it flushes, and sends changes to those
/// who follow them.
const REST: Duration = Duration::from_millis(300);

/// Accounts in MongoDB in a runtime.
struct Accounts {
    runtime: Runtime,
    url: String,
    ids: Vec<Id>,
}

impl Accounts {
    /// Makes them in a database of their own; `None`, said aloud, where there is no MongoDB.
    fn make(number: u64) -> Option<Self> {
        let url = ReplicaSet::shared_single()?.url(&unique_database("accounts"));
        let runtime = Runtime::open(&url).unwrap();
        let ids = make_accounts(&runtime.graph(), number);
        Some(Self { runtime, url, ids })
    }

    fn stored(&self) -> Vec<Stored<Account>> {
        let stored = block_on(self.runtime.graph().get_many(&self.ids)).unwrap();
        stored.into_iter().flatten().collect()
    }

    fn update_many(&self) -> Duration {
        let graph = self.runtime.graph();
        sleep(REST);
        let (updated, elapsed) = timed(|| {
            block_on(graph.update_many(&self.ids, |account: &mut Account| account.balance += 1)).unwrap()
        });
        assert!(updated.iter().all(Result::is_ok));
        elapsed
    }

    fn save_many(&self) -> Duration {
        let mut stored = self.stored();
        stored.iter_mut().for_each(|account| account.balance += 1);
        sleep(REST);
        let (saved, elapsed) = timed(|| block_on(self.runtime.graph().save_many(stored.iter_mut())).unwrap());
        assert!(saved.is_complete(), "{saved}");
        elapsed
    }
}

/// Accounts in a store without a runtime.
struct Plain {
    store: MongoStore,
    documents: Vec<Document>,
}

impl Plain {
    fn make(set: &ReplicaSet, number: u64) -> Self {
        let url = set.url(&unique_database("plain"));
        let mut driver = Driver::new(&url);
        driver.make_accounts(number);
        let store = MongoStore::open(&url, MongoOptions::default()).unwrap();
        let ids: Vec<Id> = (0..number).map(|n| id(Kind::Node, "Account", n)).collect();
        let documents = block_on(store.get_many(&ids)).unwrap().into_iter().flatten().collect();
        Self { store, documents }
    }

    /// Saves all, in calls of a commit each, as the runtime's writer does.
    fn apply(&mut self, calls_in_flight: usize) -> Duration {
        let saves: Vec<Write> = self.documents.iter().map(changed).collect();
        let batch = |writes: &[Write]| [WriteBatch { writes: writes.to_vec(), all_or_nothing: false }];
        let batches: Vec<[WriteBatch; 1]> = saves.chunks(COMMIT).map(batch).collect();
        sleep(REST);
        let (results, elapsed) = timed(|| {
            let calls = stream::iter(&batches).map(|batch| self.store.apply(batch));
            block_on(calls.buffered(calls_in_flight).collect::<Vec<_>>())
        });
        let results: Vec<_> = results.into_iter().flat_map(|applied| applied.unwrap().concat()).collect();
        assert!(results.len() == saves.len() && results.iter().all(Result::is_ok));
        for document in &mut self.documents {
            *document = document.clone().with_version(document.version().next()).with_all_members();
        }
        elapsed
    }
}

fn changed(document: &Document) -> Write {
    let mut account: Account = document.decode().unwrap();
    account.balance = document.version().0 as i64;
    Write::Save { document: document.clone().with_body(Body::encode(&account).unwrap()) }
}

pub fn bulk() -> Vec<Line> {
    let Some(accounts) = Accounts::make(UPDATES) else { return Vec::new() };
    let set = ReplicaSet::shared_single().unwrap();
    let mut driver = hand(set, UPDATES);
    let plain = RefCell::new(Plain::make(set, UPDATES));
    let mut balance = 0;
    let mut by_hand = || {
        balance += 1;
        sleep(REST);
        timed(|| assert!(driver.update_all(balance, false).is_empty())).1
    };
    let [theirs, update_many, save_many, in_turn, at_once] = all_in_turn(
        RUNS,
        [
            &mut by_hand,
            &mut || accounts.update_many(),
            &mut || accounts.save_many(),
            &mut || plain.borrow_mut().apply(1),
            &mut || plain.borrow_mut().apply(4),
        ],
    );
    let stored = block_on(accounts.runtime.graph().get::<Account>(&accounts.ids[7])).unwrap().unwrap();
    assert_eq!((stored.balance, stored.version().0), (2 * RUNS as i64, 2 * RUNS as u64 + 1));
    let line = |work, own: f64| Line::times(work, theirs * 1e3, own * 1e3, 1.3, "ms");
    vec![
        line("MongoDB, 10,000 versioned updates, update_many", update_many),
        line("the same, save_many", save_many),
        line("the same, Store::apply of 1,000 after 1,000", in_turn),
        line("the same, four of Store::apply at once", at_once),
    ]
}

/// The rival, with accounts in a database of its own on the same server.
fn hand(set: &ReplicaSet, number: u64) -> Driver {
    let mut driver = Driver::new(&set.url(&unique_database("by_hand")));
    driver.make_accounts(number);
    driver
}

pub fn conflicts() -> Vec<Line> {
    let Some(accounts) = Accounts::make(UPDATES) else { return Vec::new() };
    let mut driver = hand(ReplicaSet::shared_single().unwrap(), UPDATES);
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
        sleep(REST);
        let (mut conflicts, elapsed) = timed(|| driver.update_all(balance, true));
        conflicts.sort();
        assert_eq!(conflicts, texts);
        elapsed
    };
    let ours = || {
        let mut stored = accounts.stored();
        stored.iter_mut().for_each(|account| account.balance += 1);
        somebody_else.bump(&contended);
        sleep(REST);
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
    let Some(accounts) = Accounts::make(UPDATES) else { return Vec::new() };
    let driver = RefCell::new(hand(ReplicaSet::shared_single().unwrap(), UPDATES));
    let graph = accounts.runtime.graph();
    let balance = Cell::new(0);
    let by_hand = |in_flight| {
        balance.set(balance.get() + 1);
        sleep(REST);
        timed(|| driver.borrow_mut().update_each(balance.get(), in_flight)).1
    };
    let update = |in_flight| {
        let calls =
            accounts.ids.iter().map(|id| graph.update(id, |account: &mut Account| account.balance += 1));
        sleep(REST);
        let (updated, elapsed) =
            timed(|| block_on(stream::iter(calls).buffered(in_flight).collect::<Vec<_>>()));
        assert!(updated.len() == accounts.ids.len() && updated.iter().all(Result::is_ok));
        elapsed
    };
    let mut save = || {
        let mut stored = accounts.stored();
        stored.iter_mut().for_each(|account| account.balance += 1);
        sleep(REST);
        timed(|| {
            block_on(async {
                for account in &mut stored {
                    graph.save(account).await.unwrap();
                }
            })
        })
        .1
    };
    let (mut hand_in_turn, mut update_in_turn) = (|| by_hand(1), || update(1));
    let (mut hand_at_once, mut update_at_once) = (|| by_hand(HAND_IN_FLIGHT), || update(CALLS_IN_FLIGHT));
    let [hand, updates, saves] =
        all_in_turn(SINGLE_RUNS, [&mut hand_in_turn, &mut update_in_turn, &mut save]);
    let [hand_many, updates_many] = all_in_turn(SINGLE_RUNS, [&mut hand_at_once, &mut update_at_once]);
    let each = |seconds: f64| seconds / UPDATES as f64 * 1e6;
    vec![
        Line::compared("10,000 updates one after another, update, each", each(hand), each(updates), "us"),
        Line::compared("the same, save", each(hand), each(saves), "us"),
        Line::compared(
            "10,000 calls of update, many at once, each",
            each(hand_many),
            each(updates_many),
            "us",
        ),
    ]
}
