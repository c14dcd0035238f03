//! MongoDB's driver used by hand: the rival of the store in MongoDB.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::raw::RawArrayBuf;
use mongodb::bson::{Document, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::options::{CollectionOptions, WriteConcern};
use mongodb::{Client, Collection, Database};
use tokio::runtime::Runtime;
use wayfare::{Id, Kind};

use crate::stored::id;

/// What was found to be the fastest: statements in a command, and commands in flight.
const STATEMENTS: usize = 500;
const COMMANDS_IN_FLIGHT: usize = 4;

/// An account as the program that does it by hand knows it.
#[derive(Clone)]
struct Row {
    id: String,
    version: i64,
}

/// A program that uses the driver, and the accounts that it has read.
pub struct Driver {
    // Two threads, as the store has.
    runtime: Runtime,
    database: Database,
    rows: Vec<Row>,
}

impl Driver {
    /// Connects to a database.
    pub fn new(url: &str) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let client = runtime.block_on(Client::with_uri_str(url)).unwrap();
        let database = client.default_database().unwrap();
        Self { runtime, database, rows: Vec::new() }
    }

    fn nodes(&self) -> Collection<Document> {
        let options = CollectionOptions::builder().write_concern(WriteConcern::majority()).build();
        self.database.collection_with_options("node", options)
    }

    /// Makes accounts from number 0 on, in the form that Wayfare gives them.
    pub fn make_accounts(&mut self, number: u64) {
        let row = |n| Row { id: id(Kind::Node, "Account", n).to_string(), version: 1 };
        self.rows = (0..number).map(row).collect();
        let documents: Vec<Document> = self
            .rows
            .iter()
            .map(|row| Document::try_from(account(row, row.version, 0, None).as_ref()).unwrap())
            .collect();
        self.runtime.block_on(async { self.nodes().insert_many(documents).await }).unwrap();
    }

    /// Does what somebody else would: counts up versions behind the backs of those who know them.
    pub fn bump(&self, ids: &[Id]) {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let number = ids.len() as u64;
        let filter = doc! { "_id": { "$in": ids } };
        let nodes = self.nodes();
        let bump = async { nodes.update_many(filter, doc! { "$inc": { "_version": 1 } }).await };
        assert_eq!(self.runtime.block_on(bump).unwrap().modified_count, number);
    }

    /// Updates all accounts over the versions that are known. Of a command that matches fewer than it has, the token
    /// tells which ones it wrote; `named` says whether documents get one. Gives the ids of the others.
    pub fn update_all(&mut self, balance: i64, named: bool) -> Vec<String> {
        let database = &self.database;
        let chunks: Vec<Arc<[Row]>> = self.rows.chunks(STATEMENTS).map(Arc::from).collect();
        let replaced: Vec<Vec<(String, i64)>> = self.runtime.block_on(async {
            let commands = chunks.into_iter().map(|rows| async move {
                tokio::spawn(replace(database.clone(), rows, balance, named)).await.unwrap()
            });
            stream::iter(commands).buffered(COMMANDS_IN_FLIGHT).collect().await
        });
        let mut conflicts = Vec::new();
        for (rows, in_conflict) in self.rows.chunks_mut(STATEMENTS).zip(replaced) {
            rows.iter_mut().for_each(|row| row.version += 1);
            for (id, version) in in_conflict {
                rows.iter_mut().find(|row| row.id == id).unwrap().version = version;
                conflicts.push(id);
            }
        }
        conflicts
    }

    /// Updates all accounts by a command each, some of them in flight.
    pub fn update_each(&mut self, balance: i64, in_flight: usize) {
        let nodes = self.nodes();
        self.runtime.block_on(async {
            let updates = self.rows.iter().map(|row| {
                let condition = doc! { "_id": &row.id, "_version": row.version };
                let change = doc! { "$set": { "context.balance": balance }, "$inc": { "_version": 1 } };
                let nodes = &nodes;
                async move { nodes.find_one_and_update(condition, change).await.unwrap().is_some() }
            });
            let updated: Vec<bool> = stream::iter(updates).buffered(in_flight).collect().await;
            assert!(updated.len() == self.rows.len() && updated.iter().all(|updated| *updated));
        });
        self.rows.iter_mut().for_each(|row| row.version += 1);
    }

    /// Reads documents by id in one question, and gives how many there are.
    pub fn find_by_ids(&self, ids: &[Id]) -> usize {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let nodes = self.nodes();
        self.runtime.block_on(async move {
            let cursor = nodes.find(doc! { "_id": { "$in": ids } }).await.unwrap();
            cursor.try_collect::<Vec<Document>>().await.unwrap().len()
        })
    }
}

fn account(row: &Row, version: i64, balance: i64, token: Option<ObjectId>) -> RawDocumentBuf {
    let id = row.id.as_str();
    let name = format!("account {id}");
    let context = rawdoc! { "name": name, "balance": balance, "note": "x".repeat(250) };
    let mut account =
        rawdoc! { "_id": id, "id": id, "entity": "Account", "context": context, "_version": version };
    if let Some(token) = token {
        account.append(cstr!("_token"), token);
    }
    account
}

/// Replaces accounts by one command; gives those that were not, with their versions.
async fn replace(database: Database, rows: Arc<[Row]>, balance: i64, named: bool) -> Vec<(String, i64)> {
    let token = named.then(ObjectId::new);
    let mut updates = RawArrayBuf::new();
    for row in rows.iter() {
        let condition = rawdoc! { "_id": row.id.as_str(), "_version": row.version };
        updates.push(rawdoc! { "q": condition, "u": account(row, row.version + 1, balance, token) });
    }
    let concern = rawdoc! { "w": "majority" };
    let mut command = rawdoc! { "update": "node", "ordered": false, "writeConcern": concern };
    command.append(cstr!("updates"), updates);
    let reply = database.run_raw_command(command).await.unwrap();
    assert!(!reply.contains_key("writeErrors") && !reply.contains_key("writeConcernError"), "{reply}");
    let matched = reply.get_i32("n").unwrap() as usize;
    let Some(token) = token.filter(|_| matched < rows.len()) else {
        assert_eq!(matched, rows.len());
        return Vec::new();
    };
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let nodes = database.collection::<Document>("node");
    let found = nodes.find(doc! { "_id": { "$in": ids } }).projection(doc! { "_version": 1, "_token": 1 });
    let found: Vec<Document> = found.await.unwrap().try_collect().await.unwrap();
    let others = found.into_iter().filter(|found| found.get_object_id("_token").ok() != Some(token));
    others
        .map(|found| (found.get_str("_id").unwrap().to_owned(), found.get_i64("_version").unwrap()))
        .collect()
}
