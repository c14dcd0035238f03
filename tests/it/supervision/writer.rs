use wayfare::{ActorKind, Error, StoreError};

use super::{Hamlet, Stage, hamlet, patient, within};

async fn push(stage: &Stage) -> Result<(), Error> {
    let (graph, id) = (stage.graph(), hamlet("a"));
    within(graph.update(&id, |hamlet: &mut Hamlet| hamlet.name.push('+'))).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_panics_is_replaced_and_says_that_it_does_not_know() {
    let (stage, store) = Stage::on_trick_store(patient(100));
    stage.draw("a>b").await;
    for round in 1..=20 {
        store.applies.panic(1);
        match push(&stage).await {
            Err(Error::Store(StoreError::Interrupted { part })) => assert_eq!(part, "writer"),
            other => panic!("{other:?}"),
        }
        // It was not written, and what was published of it is taken back.
        push(&stage).await.unwrap();
        let hamlet = stage.graph().get::<Hamlet>(&hamlet("a")).await.unwrap().unwrap();
        assert_eq!(hamlet.name.matches('+').count(), round);
        assert_eq!(stage.runtime.restarts(ActorKind::Writer), round as u64);
    }
    assert_eq!(stage.trail("a").await, "a b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_panics_too_often_is_given_up() {
    let (stage, store) = Stage::on_trick_store(patient(1));
    stage.draw("a>b").await;
    for _ in 0..2 {
        store.applies.panic(1);
        push(&stage).await.unwrap_err();
    }
    match push(&stage).await {
        Err(Error::Store(StoreError::ReadOnly { reason })) => {
            assert!(reason.starts_with("writer actors ended 2 times"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.trail("a").await, "a b");
    within(stage.runtime.clone().shutdown()).await;
}
