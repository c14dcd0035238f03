//! Typed hooks on records that fit their type, hold more than it, or less.

use serde_json::{Value, json};
use wayfare::{Direction, Here, Id, Walk, WalkError, Write, node, walker};

use super::stage::{Hamlet, Harbour, Stage, document, hamlet, within};

/// Reads harbours as their type.
#[derive(Debug, Default)]
struct Pilot {
    read: Vec<(String, u32)>,
}

#[walker]
impl Pilot {
    #[on_visit]
    fn harbour(&mut self, here: &Here<Harbour>, walk: &mut Walk) {
        self.read.push((here.name.clone(), here.berths));
        walk.visit(here.neighbours(Direction::Out));
    }
}

async fn pilot(stage: &Stage, key: &str) -> Result<Vec<(String, u32)>, WalkError> {
    let walk = stage.runtime.spawn(Pilot::default()).at(harbour(key)).await.unwrap();
    within(walk.finish()).await.map(|pilot| pilot.read)
}

fn harbour(key: &str) -> Id {
    Id::node("Harbour", key).unwrap()
}

async fn store_harbour(stage: &Stage, key: &str, context: Value) {
    let document = document(json!({"id": harbour(key).to_string(), "context": context}));
    stage.graph().write(Write::Create { document, multi: false }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_hook_reads_a_record_that_is_loaded_and_one_that_is_resident() {
    let stage = Stage::new();
    stage.graph().create_as("kiel", Harbour { name: "Kiel".into(), berths: 7 }).await.unwrap();
    for round in 0..2 {
        let walk = stage.runtime.spawn(Pilot::default()).at(harbour("kiel")).await.unwrap();
        assert_eq!(within(walk.finish()).await.unwrap().read, [("Kiel".to_owned(), 7)]);
        let profile = walk.profile();
        assert_eq!((profile.loaded > 0, profile.resident), if round == 0 { (true, 0) } else { (false, 1) });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_hook_reads_an_entity_that_lacks_a_field_with_a_default() {
    let stage = Stage::new();
    store_harbour(&stage, "kiel", json!({"name": "Kiel"})).await;
    assert_eq!(pilot(&stage, "kiel").await.unwrap(), [("Kiel".to_owned(), 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_walk_ends_at_an_entity_that_lacks_a_field_without_a_default_and_names_both() {
    let stage = Stage::new();
    store_harbour(&stage, "kiel", json!({"berths": 4})).await;
    match pilot(&stage, "kiel").await {
        Err(WalkError::Unreadable { id, reason }) => {
            assert_eq!(id, harbour("kiel"));
            assert!(reason.contains("name"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// Reads any node without a type.
#[derive(Debug, Default)]
struct Clerk {
    berths: Vec<Option<Value>>,
    documents: Vec<Value>,
}

#[walker]
impl Clerk {
    #[on_visit]
    fn any(&mut self, here: &Here) {
        self.berths.push(here.get("context.berths"));
        self.documents.push(here.document().unwrap().to_json().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_for_any_document_visits_an_entity_that_does_not_fit_its_registered_type() {
    let stage = Stage::new();
    store_harbour(&stage, "kiel", json!({"berths": 4})).await;
    let walk = stage.runtime.spawn(Clerk::default()).at(harbour("kiel")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().berths, [Some(json!(4))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_the_type_does_not_know_survive_update_and_save() {
    let stage = Stage::new();
    let graph = stage.graph();
    store_harbour(&stage, "kiel", json!({"berths": 4, "name": "Kiel", "legacy": {"a": [1, 2]}})).await;
    // First while the entity is not resident, then while it is.
    graph.update(harbour("kiel"), |kiel: &mut Harbour| kiel.berths += 1).await.unwrap();
    assert_eq!(pilot(&stage, "kiel").await.unwrap(), [("Kiel".to_owned(), 5)]);
    graph.update(harbour("kiel"), |kiel: &mut Harbour| kiel.berths += 1).await.unwrap();
    let mut kiel = graph.get::<Harbour>(harbour("kiel")).await.unwrap().unwrap();
    kiel.name = "Kiel am Meer".into();
    graph.save(&mut kiel).await.unwrap();
    assert_eq!(pilot(&stage, "kiel").await.unwrap(), [("Kiel am Meer".to_owned(), 6)]);

    let expected = json!({
        "id": "n.Harbour.kiel", "entity": "Harbour",
        "context": {"berths": 6, "name": "Kiel am Meer", "legacy": {"a": [1, 2]}}, "_version": 4,
    });
    let walk = stage.runtime.spawn(Clerk::default()).at(harbour("kiel")).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().documents, std::slice::from_ref(&expected));
    let stored = graph.document(&harbour("kiel")).await.unwrap().unwrap();
    assert_eq!(stored.to_json().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_beside_the_fields_survive_an_update_of_a_resident_entity() {
    let stage = Stage::new();
    let json = json!({"id": "n.Harbour.kiel", "context": {"name": "Kiel"}, "owner": {"name": "x"}});
    stage.graph().write(Write::Create { document: document(json), multi: false }).await.unwrap();
    pilot(&stage, "kiel").await.unwrap();
    stage.graph().update(harbour("kiel"), |kiel: &mut Harbour| kiel.berths = 2).await.unwrap();
    let stored = stage.graph().document(&harbour("kiel")).await.unwrap().unwrap().to_json().unwrap();
    assert_eq!((&stored["owner"], &stored["context"]["berths"]), (&json!({"name": "x"}), &json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_sees_the_members_beside_the_fields() {
    let stage = Stage::new();
    let json = json!({
        "id": "n.Harbour.kiel", "entity": "Harbour", "context": {"name": "Kiel"}, "owner": {"name": "x"},
    });
    stage.graph().write(Write::Create { document: document(json.clone()), multi: false }).await.unwrap();
    let walk = stage.runtime.spawn(Clerk::default()).at(harbour("kiel")).await.unwrap();
    let documents = within(walk.finish()).await.unwrap().documents;
    assert_eq!(documents[0]["owner"], json["owner"]);
}

/// Two types for one entity: which of them the runtime keeps is not for a test to know.
#[node(name = "Quay")]
#[derive(Debug)]
struct NamedQuay {
    name: String,
}

#[node(name = "Quay")]
#[derive(Debug)]
struct MeasuredQuay {
    metres: u32,
}

async fn store_quay(stage: &Stage, context: Value) -> Id {
    let id = Id::node("Quay", "x").unwrap();
    let document = document(json!({"id": id.to_string(), "context": context}));
    stage.graph().write(Write::Create { document, multi: false }).await.unwrap();
    id
}

#[derive(Debug, Default)]
struct Surveyor {
    read: Vec<String>,
}

#[walker]
impl Surveyor {
    #[on_visit]
    fn named(&mut self, here: &Here<NamedQuay>) {
        self.read.push(here.name.clone());
    }

    #[on_visit]
    fn measured(&mut self, here: &Here<MeasuredQuay>) {
        self.read.push(here.metres.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_can_be_read_as_either_of_two_types_of_its_entity() {
    let stage = Stage::new();
    let quay = store_quay(&stage, json!({"name": "X", "metres": 40})).await;
    let walk = stage.runtime.spawn(Surveyor::default()).at(quay).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().read, ["X", "40"]);
}

#[derive(Debug, Default)]
struct NameSurveyor {
    read: Vec<String>,
}

#[walker]
impl NameSurveyor {
    #[on_visit]
    fn quay(&mut self, here: &Here<NamedQuay>) {
        self.read.push(here.name.clone());
    }
}

#[derive(Debug, Default)]
struct MeasureSurveyor {
    read: Vec<u32>,
}

#[walker]
impl MeasureSurveyor {
    #[on_visit]
    fn quay(&mut self, here: &Here<MeasuredQuay>) {
        self.read.push(here.metres);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_fits_the_type_of_a_hook_is_read_whether_or_not_it_fits_another_type_of_its_entity() {
    let stage = Stage::new();
    let quay = store_quay(&stage, json!({"name": "X"})).await;
    let walk = stage.runtime.spawn(NameSurveyor::default()).at(quay).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().read, ["X"]);

    let stage = Stage::new();
    let quay = store_quay(&stage, json!({"metres": 40})).await;
    let walk = stage.runtime.spawn(MeasureSurveyor::default()).at(quay).await.unwrap();
    assert_eq!(within(walk.finish()).await.unwrap().read, [40]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_another_entity_is_refused_where_a_type_is_asked_for() {
    let stage = Stage::new();
    stage.draw("a").await;
    let error = stage.graph().get::<Harbour>(hamlet("a")).await.unwrap_err();
    assert_eq!(error.to_string(), "`n.Hamlet.a` is not a node of entity `Harbour`");
    assert!(stage.graph().get::<Hamlet>(hamlet("b")).await.unwrap().is_none());
}
