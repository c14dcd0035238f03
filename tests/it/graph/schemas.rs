//! Documents of older and of newer schemas than the types of the program.

use serde_json::{Value, json};
use wayfare::{
    BodyError, Document, Error, Fields, Here, Id, SchemaMigration, Step, Version, Walk, WalkError, Write,
    WriteBatch, edge, node, object, upgrade, walker,
};

use super::people::Town;

#[node(schema = 3)]
#[derive(Debug, Clone, PartialEq)]
struct Account {
    first_name: String,
    last_name: String,
    #[serde(default)]
    logins: u32,
}

#[upgrade(Account, from = 1)]
fn split_name(fields: &mut Fields) -> Result<(), String> {
    let name = fields.shift_remove("name").ok_or("there is no name")?;
    let name = name.as_str().ok_or("the name is no text")?;
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    fields.insert("first".into(), first.into());
    fields.insert("last".into(), last.into());
    Ok(())
}

#[upgrade(Account, from = 2)]
fn rename_parts(fields: &mut Fields) {
    for (old, new) in [("first", "first_name"), ("last", "last_name")] {
        if let Some(value) = fields.shift_remove(old) {
            fields.insert(new.into(), value);
        }
    }
}

/// Nothing leads from schema 1 to 2.
#[object(schema = 3)]
#[derive(Debug, Clone, PartialEq)]
struct Gap {
    x: u32,
}

#[upgrade(Gap, from = 2)]
fn second_step_of_gap(_: &mut Fields) {}

#[edge(schema = 2)]
#[derive(Debug, Clone, PartialEq)]
struct Follows {
    weight: f64,
}

#[upgrade(Follows, from = 1)]
fn weigh(fields: &mut Fields) {
    fields.insert("weight".into(), json!(1.0));
}

fn account(key: &str) -> Id {
    Id::node("Account", key).unwrap()
}

async fn store(town: &Town, documents: impl IntoIterator<Item = Value>) {
    let writes = documents
        .into_iter()
        .map(|json| Write::Put { document: Document::from_json(json).unwrap() })
        .collect();
    let results = town.graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
    results.into_iter().for_each(|result| drop(result.unwrap()));
}

async fn stored(town: &Town, id: &str) -> Value {
    town.graph.document(&id.parse().unwrap()).await.unwrap().unwrap().to_json().unwrap()
}

fn old(key: &str, name: &str) -> Value {
    json!({"id": format!("n.Account.{key}"), "context": {"name": name, "note": "kept"}, "_version": 5, "owner": "x"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_document_is_upgraded_as_it_is_read_and_stored_in_the_new_form_by_the_next_save() {
    let town = Town::new();
    store(&town, [old("a", "Ada Lovelace")]).await;
    let mut ada = town.graph.get::<Account>(account("a")).await.unwrap().unwrap();
    assert_eq!(
        (ada.first_name.as_str(), ada.last_name.as_str(), ada.version()),
        ("Ada", "Lovelace", Version(5))
    );
    assert_eq!(
        stored(&town, "n.Account.a").await["context"],
        json!({"name": "Ada Lovelace", "note": "kept"})
    );
    ada.logins = 1;
    town.graph.save(&mut ada).await.unwrap();
    let now = stored(&town, "n.Account.a").await;
    assert_eq!(
        now["context"],
        json!({"note": "kept", "first_name": "Ada", "last_name": "Lovelace", "logins": 1})
    );
    assert_eq!((&now["_v"], &now["_version"], &now["owner"]), (&json!(3), &json!(6), &json!("x")));
    // Half-way documents go the rest of the way, by every kind of read.
    store(
        &town,
        [json!({"id": "n.Account.b", "context": {"first": "Bo", "last": "B"}, "_v": 2, "_version": 1})],
    )
    .await;
    let found = town.graph.query::<Account>().sort("id").all().await.unwrap();
    assert_eq!(found.iter().map(|account| account.first_name.as_str()).collect::<Vec<_>>(), ["Ada", "Bo"]);
    let updated = town.graph.update(account("b"), |account: &mut Account| account.logins += 1).await.unwrap();
    assert_eq!((updated.logins, updated.version()), (1, Version(2)));
    assert_eq!(stored(&town, "n.Account.b").await["_v"], 3);
    #[derive(serde::Deserialize)]
    struct First {
        first_name: String,
    }
    store(&town, [old("c", "Cy C")]).await;
    let firsts = town.graph.query::<Account>().sort("id").project::<First>().all().await.unwrap();
    assert_eq!(firsts[2].first_name, "Cy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_documents_say_their_schema_and_those_of_the_first_say_nothing() {
    let town = Town::new();
    let ada = Account { first_name: "Ada".into(), last_name: "L".into(), logins: 0 };
    let one = town.graph.create_as("a", ada.clone()).await.unwrap();
    let two = town.graph.create_as("b", ada).await.unwrap();
    let edge = town.graph.connect(one.id(), two.id(), Follows { weight: 2.0 }).await.unwrap();
    assert_eq!(stored(&town, "n.Account.a").await["_v"], 3);
    assert_eq!(stored(&town, &edge.id().to_string()).await["_v"], 2);
    town.people(1).await;
    assert!(stored(&town, "n.Person.p0").await.get("_v").is_none());
}

#[derive(Debug, Default)]
struct Reader {
    names: Vec<String>,
    weights: Vec<f64>,
    seen: Vec<String>,
}

#[walker]
impl Reader {
    #[on_visit]
    fn account(&mut self, here: &Here<Account>, walk: &mut Walk) {
        self.names.push(here.first_name.clone());
        here.update(|account| account.logins += 1);
        walk.visit(here.out::<Follows>().edges());
    }

    #[on_visit]
    fn follows(&mut self, here: &Here<Follows>) -> Step {
        self.weights.push(here.weight);
        Step::Continue
    }
}

#[derive(Debug, Default)]
struct Counter {
    seen: Vec<String>,
}

#[walker]
impl Counter {
    #[on_visit]
    fn any(&mut self, here: &Here, walk: &mut Walk) {
        self.seen.push(here.id().to_string());
        walk.visit(here.out::<Follows>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_see_old_nodes_and_edges_in_the_new_form_and_write_it() {
    let town = Town::new();
    store(&town, [old("a", "Ada Lovelace"), old("b", "Bo B")]).await;
    let edge = json!({"id": "e.Follows.x", "source": "n.Account.a", "target": "n.Account.b", "context": {}, "_version": 1});
    store(&town, [edge]).await;
    let walk = town.runtime.spawn(Reader::default()).at(account("a")).await.unwrap();
    let reader = walk.finish().await.unwrap();
    assert_eq!((reader.names, reader.weights), (vec!["Ada".into(), "Bo".into()], vec![1.0]));
    assert!(reader.seen.is_empty());
    let now = stored(&town, "n.Account.a").await;
    assert_eq!((&now["_v"], &now["context"]["logins"], &now["_version"]), (&json!(3), &json!(1), &json!(6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_document_is_refused_and_not_damaged() {
    let town = Town::new();
    let newer = json!({"id": "n.Account.new", "entity": "Account", "context": {"first_name": "N", "last_name": "N", "logins": 3, "extra": 1}, "_version": 2, "_v": 9});
    store(&town, [newer.clone()]).await;
    let told = |error: &Error| match error {
        Error::Body(BodyError::NewerSchema { id, found, supported }) => {
            assert_eq!((id, *found, *supported), (&account("new"), 9, 3));
        }
        other => panic!("{other}"),
    };
    told(&town.graph.get::<Account>(account("new")).await.unwrap_err());
    told(&town.graph.query::<Account>().all().await.unwrap_err());
    told(&town.graph.update(account("new"), |account: &mut Account| account.logins = 0).await.unwrap_err());
    let many =
        town.graph.update_many(&[account("new")], |account: &mut Account| account.logins = 0).await.unwrap();
    told(many[0].as_ref().unwrap_err());

    let walk = town.runtime.spawn(Reader::default()).at(account("new")).await.unwrap();
    let error = walk.finish().await.unwrap_err();
    assert!(!matches!(error, WalkError::HookPanicked { .. }), "{error}");
    assert!(
        error.to_string().contains("`n.Account.new` has schema 9, this program knows up to 3"),
        "{error}"
    );
    // Whoever asks for no type passes it.
    let walk = town.runtime.spawn(Counter::default()).at(account("new")).await.unwrap();
    assert_eq!(walk.finish().await.unwrap().seen, ["n.Account.new"]);
    assert_eq!(stored(&town, "n.Account.new").await, newer);

    let report = town.runtime.migrate_schema(&SchemaMigration::default(), |_| {}).await.unwrap();
    assert!(!report.is_complete());
    assert_eq!(stored(&town, "n.Account.new").await, newer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_step_and_a_step_that_fails_are_told() {
    let town = Town::new();
    store(
        &town,
        [
            json!({"id": "o.Gap.one", "context": {"x": 1}, "_version": 1}),
            json!({"id": "o.Gap.two", "context": {"x": 2}, "_version": 1, "_v": 2}),
            json!({"id": "o.Gap.odd", "context": {"x": 2}, "_version": 1, "_v": "two"}),
            json!({"id": "n.Account.nameless", "context": {}, "_version": 1}),
        ],
    )
    .await;
    let gap = async |key: &str| town.graph.get::<Gap>(&*format!("o.Gap.{key}")).await;
    let error = gap("one").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no upgrade of Gap from schema 1 to 2: register one with `#[upgrade(Gap, from = 1)]`"
    );
    assert_eq!(gap("two").await.unwrap().unwrap().x, 2);
    assert!(gap("odd").await.unwrap_err().to_string().contains("`_v` is \"two\""));
    let error = town.graph.get::<Account>(account("nameless")).await.unwrap_err();
    assert_eq!(error.to_string(), "`n.Account.nameless` cannot be upgraded from schema 1: there is no name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_upgrades_in_batches_and_tells_what_it_leaves() {
    let town = Town::new();
    store(&town, (0..250).map(|number| old(&format!("k{number:03}"), "Old Name"))).await;
    store(
        &town,
        [
            json!({"id": "n.Account.new", "context": {"first_name": "N", "last_name": "N"}, "_version": 1, "_v": 3}),
            json!({"id": "n.Account.newer", "context": {}, "_version": 1, "_v": 4}),
            json!({"id": "n.Account.nameless", "context": {}, "_version": 1}),
            json!({"id": "n.Account.unfit", "context": {"first": 1, "last": 2}, "_version": 1, "_v": 2}),
            json!({"id": "e.Follows.x", "source": "n.Account.new", "target": "n.Account.k000", "context": {}, "_version": 1}),
            json!({"id": "o.Stranger.x", "context": {}, "_version": 1, "_v": 12}),
        ],
    )
    .await;
    // Resident records are in the new form already; what is stored is not.
    town.graph.update(account("k000"), |account: &mut Account| account.logins = 1).await.unwrap();
    let walk = town.runtime.spawn(Counter::default()).at(account("k001")).await.unwrap();
    walk.finish().await.unwrap();

    let of = |report: &wayfare::SchemaReport, name: &str| {
        report.entities.iter().find(|entity| entity.entity.as_str() == name).unwrap().clone()
    };
    let dry = town.runtime.migrate_schema(&SchemaMigration::default().dry_run(), |_| {}).await.unwrap();
    assert_eq!(of(&dry, "Account").upgraded, 249);
    assert_eq!(stored(&town, "n.Account.k001").await["_version"], 5);

    let mut steps = Vec::new();
    let migration = SchemaMigration::default().batch(100);
    let report = town.runtime.migrate_schema(&migration, |report| steps.push(report.examined)).await.unwrap();
    assert!(steps.len() >= 5 && steps.is_sorted(), "{steps:?}");
    assert_eq!(report.examined, report.total);
    let accounts = of(&report, "Account");
    assert_eq!((accounts.schema, accounts.upgraded, accounts.newer, accounts.failed), (Some(3), 249, 1, 2));
    assert_eq!(accounts.found, [(1, 250), (2, 1), (3, 2), (4, 1)].into());
    assert_eq!(accounts.first_failed.len(), 2);
    assert_eq!((of(&report, "Follows").upgraded, of(&report, "Stranger").schema), (1, None));
    let now = stored(&town, "n.Account.k001").await;
    assert_eq!(
        (&now["_v"], &now["_version"], &now["context"]["last_name"]),
        (&json!(3), &json!(6), &json!("Name"))
    );
    assert_eq!(stored(&town, "n.Account.unfit").await["context"], json!({"first": 1, "last": 2}));
    assert_eq!(stored(&town, "e.Follows.x").await["context"]["weight"], 1.0);

    let again = town.runtime.migrate_schema(&migration, |_| {}).await.unwrap();
    assert_eq!((of(&again, "Account").upgraded, of(&again, "Account").failed), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_beside_writers_loses_nothing() {
    let town = Town::new();
    store(&town, (0..300).map(|number| old(&format!("k{number}"), "Old Name"))).await;
    let writer = {
        let graph = town.graph.clone();
        tokio::spawn(async move {
            for number in (0..300).rev() {
                let id = account(&format!("k{number}"));
                graph.update(id, |account: &mut Account| account.logins += 1).await.unwrap();
            }
        })
    };
    let migration = SchemaMigration::default().batch(7);
    let report = town.runtime.migrate_schema(&migration, |_| {}).await.unwrap();
    writer.await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    for account in town.graph.query::<Account>().all().await.unwrap() {
        assert_eq!((account.logins, account.last_name.as_str()), (1, "Name"));
        assert_eq!(account.document().schema().unwrap(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_of_an_application_knows_its_types() {
    let town = Town::new();
    store(&town, [old("a", "Ada Lovelace")]).await;
    let town = town.closed().await;
    let url = format!("embedded:{}", town.path().join("store").display());
    let run = |more: &[&str]| {
        let arguments = [&["app", "migrate", "schema", "--quiet", "--store", &url][..], more].concat();
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let code =
            std::thread::spawn(move || format!("{:?}", wayfare::run_command(arguments))).join().unwrap();
        assert_eq!(code, format!("{:?}", std::process::ExitCode::SUCCESS));
    };
    let schema = || {
        let store = wayfare_stores::open(&url, &Default::default()).unwrap();
        let found = futures_util::FutureExt::now_or_never(store.get_many(&[account("a")])).unwrap().unwrap();
        found[0].as_ref().unwrap().schema().unwrap()
    };
    run(&["--dry-run"]);
    assert_eq!(schema(), 1);
    run(&[]);
    assert_eq!(schema(), 3);
}
