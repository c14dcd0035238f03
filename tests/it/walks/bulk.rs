//! Changing many nodes at once.

use wayfare::{Error, Id, StoreError, Version, WriteError};

use super::stage::{Hamlet, Harbour, Stage, hamlet, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_updates_come_back_in_the_order_of_the_ids_and_each_tells_of_itself() {
    let stage = Stage::new();
    stage.draw("a b c").await;
    stage.trail("a").await;
    let ids = [hamlet("c"), hamlet("missing"), hamlet("a"), Id::node("Harbour", "a").unwrap(), hamlet("b")];
    let graph = stage.graph();
    let results = within(graph.update_many(&ids, |hamlet: &mut Hamlet| hamlet.name.push('!'))).await.unwrap();
    let [c, missing, a, wrong, b] = results.as_slice() else { panic!("{results:?}") };
    for (result, name) in [(c, "c!"), (a, "a!"), (b, "b!")] {
        let stored = result.as_ref().unwrap();
        assert_eq!((stored.name.as_str(), stored.version()), (name, Version(2)));
    }
    assert!(matches!(missing, Err(Error::Write(WriteError::NotFound { id })) if *id == hamlet("missing")));
    assert!(matches!(wrong, Err(Error::WrongEntity { .. })));
    let read = graph.get_many::<Hamlet>(&[hamlet("a"), hamlet("b"), hamlet("c")]).await.unwrap();
    let names: Vec<String> = read.into_iter().map(|hamlet| hamlet.unwrap().into_value().name).collect();
    assert_eq!(names, ["a!", "b!", "c!"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_given_several_times_is_changed_as_often() {
    let stage = Stage::new();
    stage.draw("a").await;
    let ids = vec![hamlet("a"); 50];
    let graph = stage.graph();
    let results = within(graph.update_many(&ids, |hamlet: &mut Hamlet| hamlet.name.push('!'))).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let a = graph.get::<Hamlet>(hamlet("a")).await.unwrap().unwrap();
    assert_eq!((a.name.len(), a.version()), (51, Version(51)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_updates_than_may_be_under_way_are_all_made() {
    let stage = Stage::with(|config| config.writers_queue(3).shards_mailbox(1).writers_batch_size(2));
    let keys: Vec<String> = (0..200).map(|number| format!("h{number}")).collect();
    stage.draw(&keys.join(" ")).await;
    let ids: Vec<Id> = keys.iter().map(|key| hamlet(key)).collect();
    let graph = stage.graph();
    let results = within(graph.update_many(&ids, |hamlet: &mut Hamlet| hamlet.name.push('!'))).await.unwrap();
    assert!(results.iter().all(|result| result.as_ref().is_ok_and(|hamlet| hamlet.name.ends_with('!'))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_is_told_and_changes_none_of_the_resident_records() {
    let (stage, store) = Stage::on_trick_store(|config| config);
    stage.draw("a>b").await;
    stage.trail("a").await;
    store.applies.fail(1);
    let graph = stage.graph();
    let ids = [hamlet("a"), hamlet("b")];
    let results = within(graph.update_many(&ids, |hamlet: &mut Hamlet| hamlet.name.push('!'))).await;
    let failed = |result: &Result<_, Error>| matches!(result, Err(Error::Store(_)));
    assert!(
        results.as_ref().is_err() || results.as_ref().is_ok_and(|all| all.iter().all(failed)),
        "{results:?}"
    );
    for key in ["a", "b"] {
        assert_eq!(graph.get::<Hamlet>(hamlet(key)).await.unwrap().unwrap().name, key);
        assert_eq!(stage.runtime.handle().newest(&hamlet(key)).await.unwrap().unwrap().version(), Version(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_and_single_updates_of_the_same_nodes_lose_nothing() {
    let stage = Stage::with(|config| config.updates_retries(100_000));
    let graph = stage.graph();
    let mut ids = Vec::new();
    for number in 0..20 {
        let kiel = Harbour { name: "Kiel".into(), berths: 0 };
        ids.push(graph.create_as(&format!("kiel{number}"), kiel).await.unwrap().id().clone());
    }
    let single = {
        let (graph, ids) = (stage.graph(), ids.clone());
        tokio::spawn(async move {
            for id in ids.iter().cycle().take(200) {
                graph.update(id, |kiel: &mut Harbour| kiel.berths += 1).await.unwrap();
            }
        })
    };
    for _ in 0..10 {
        let results = within(graph.update_many(&ids, |kiel: &mut Harbour| kiel.berths += 1)).await.unwrap();
        assert!(results.iter().all(Result::is_ok));
    }
    within(single).await.unwrap();
    for kiel in graph.get_many::<Harbour>(&ids).await.unwrap() {
        assert_eq!(kiel.unwrap().berths, 20);
    }
}

/// Nodes of two shards; of the commits that follow, only the first one is done.
async fn half_saved(stage: &Stage, store: &super::trick_store::TrickStore) -> Vec<Id> {
    let keys: Vec<String> = (0..40).map(|number| format!("h{number}")).collect();
    stage.draw(&keys.join(" ")).await;
    store.applies.fail_after(store.applies.came() + 1);
    keys.iter().map(|key| hamlet(key)).collect()
}

fn two_commits(config: wayfare::ConfigBuilder) -> wayfare::ConfigBuilder {
    config.shards_count(2).writers_batch_size(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_save_of_which_a_part_fails_tells_by_the_versions_what_was_saved() {
    let (stage, store) = Stage::on_trick_store(two_commits);
    let ids = half_saved(&stage, &store).await;
    let graph = stage.graph();
    let mut hamlets: Vec<_> = graph.get_many::<Hamlet>(&ids).await.unwrap().into_iter().flatten().collect();
    hamlets.iter_mut().for_each(|hamlet| hamlet.name = "new".into());
    let error = within(graph.save_many(&mut hamlets)).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Io { .. })), "{error:?}");
    let saved = hamlets.iter().filter(|hamlet| hamlet.version() == Version(2)).count();
    assert!(saved > 0 && saved < ids.len(), "{saved}");
    for (ours, stored) in hamlets.iter().zip(graph.get_many::<Hamlet>(&ids).await.unwrap()) {
        let stored = stored.unwrap();
        assert_eq!(
            (ours.version(), stored.name == "new"),
            (stored.version(), stored.version() == Version(2))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_updates_each_tells_whether_the_store_failed_to_save_it() {
    let (stage, store) = Stage::on_trick_store(two_commits);
    let ids = half_saved(&stage, &store).await;
    let graph = stage.graph();
    let update = |hamlet: &mut Hamlet| hamlet.name = "new".into();
    let results = within(graph.update_many(&ids, update)).await.unwrap();
    let saved = results.iter().filter(|result| result.is_ok()).count();
    assert!(saved > 0 && saved < ids.len(), "{saved}");
    for (result, stored) in results.iter().zip(graph.get_many::<Hamlet>(&ids).await.unwrap()) {
        assert_eq!(result.is_ok(), stored.unwrap().name == "new", "{result:?}");
    }
}
