//! Many entities in one call.

use wayfare::{Direction, Error, Id, Version, WriteError};

use super::people::{Knows, Note, Owes, Person, Town, id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_got_in_the_order_of_the_ids_and_missing_ones_are_told() {
    let town = Town::new();
    town.people(1_200).await;
    let mut ids: Vec<Id> = (0..1_200).rev().map(|number| id(&format!("p{number}"))).collect();
    ids.insert(600, id("nobody"));
    ids.push(ids[0].clone());
    let found = town.graph.get_many::<Person>(&ids).await.unwrap();
    assert_eq!(found.len(), ids.len());
    for (id, found) in ids.iter().zip(&found) {
        assert_eq!(
            found.as_ref().map(|person| person.id()),
            Some(id).filter(|id| **id != self::id("nobody"))
        );
    }
    let note = town.graph.create(Note { text: "x".into() }).await.unwrap();
    let wrong = town.graph.get_many::<Person>(&[note.id().clone()]).await;
    assert!(matches!(wrong, Err(Error::WrongEntity { .. })));
    assert!(town.graph.get_many::<Person>(&[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_save_reports_every_conflict_and_saves_the_rest() {
    let town = Town::new();
    let mut people = town.people(2_500).await;
    // Somebody else changes three of them, takes the address of a fourth, and removes a fifth.
    for key in ["p3", "p1000", "p2499"] {
        town.graph.update(id(key), |person: &mut Person| person.age = 99).await.unwrap();
    }
    town.graph.delete(id("p7")).await.unwrap();
    for person in &mut people {
        person.age = 50;
    }
    people[5].email = "p6@example.com".into();
    let outcome = town.graph.save_many(&mut people).await.unwrap();

    assert_eq!((outcome.saved.len(), outcome.is_complete()), (2_495, false));
    let conflicts: Vec<_> = outcome
        .conflicts
        .iter()
        .map(|conflict| (conflict.id.clone(), conflict.expected, conflict.found))
        .collect();
    assert_eq!(conflicts, ["p3", "p1000", "p2499"].map(|key| (id(key), Version(1), Version(2))));
    let refused: Vec<_> = outcome.refused.iter().map(|refused| (&refused.id, &refused.error)).collect();
    assert!(
        matches!(
            refused.as_slice(),
            [(five, WriteError::UniqueViolation { .. }), (seven, WriteError::NotFound { .. })]
                if **five == id("p5") && **seven == id("p7")
        ),
        "{refused:?}"
    );
    assert_eq!(outcome.to_string(), "2495 saved, 3 in conflict, 2 refused");
    assert_eq!(outcome.saved[0], (id("p0"), Version(2)));

    let stored = town.graph.get_many::<Person>(&[id("p3"), id("p4"), id("p5")]).await.unwrap();
    let ages: Vec<u32> = stored.iter().map(|person| person.as_ref().unwrap().age).collect();
    assert_eq!(ages, [99, 50, 25]);
    // What was saved goes on from its new version, what was not is at the version that was read.
    assert_eq!((people[4].version(), people[3].version()), (Version(2), Version(1)));
    let again = town.graph.save_many(&mut people[8..20]).await.unwrap();
    assert_eq!(again.all_saved().unwrap()[0], (id("p8"), Version(3)));
    let lost = town.graph.save_many(&mut people[3..4]).await.unwrap();
    assert!(matches!(lost.all_saved(), Err(Error::Write(WriteError::Conflict { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_and_objects_are_saved_in_bulk_too() {
    let town = Town::new();
    town.people(3).await;
    let mut knows = vec![
        town.graph.connect(id("p0"), id("p1"), Knows { since: 1 }).await.unwrap(),
        town.graph.connect(id("p1"), id("p2"), Knows { since: 2 }).await.unwrap(),
    ];
    let mut theirs = knows[1].clone();
    theirs.since = 20;
    town.graph.save(&mut theirs).await.unwrap();
    knows.iter_mut().for_each(|knows| knows.since += 100);
    let outcome = town.graph.save_many(&mut knows).await.unwrap();
    assert_eq!(outcome.saved, [(knows[0].id().clone(), Version(2))]);
    assert_eq!(outcome.conflicts[0].id, *knows[1].id());

    let mut notes = vec![town.graph.create(Note { text: "a".into() }).await.unwrap()];
    notes[0].text = "b".into();
    assert!(town.graph.save_many(&mut notes).await.unwrap().is_complete());
    assert_eq!(town.graph.get::<Note>(notes[0].id()).await.unwrap().unwrap().text, "b");
    assert_eq!(town.graph.save_many::<Note>([]).await.unwrap().saved, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_that_is_given_twice_conflicts_with_itself() {
    let town = Town::new();
    let mut first = town.people(1).await.remove(0);
    let mut second = first.clone();
    first.age = 1;
    second.age = 2;
    let outcome = town.graph.save_many([&mut first, &mut second]).await.unwrap();
    assert_eq!((outcome.saved.len(), outcome.conflicts.len()), (1, 1));
    assert_eq!(town.graph.get::<Person>(id("p0")).await.unwrap().unwrap().age, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_many_tells_what_went_and_what_was_not_there() {
    let town = Town::new();
    town.people(4).await;
    let with_node = town.graph.connect(id("p0"), id("p1"), Knows { since: 1 }).await.unwrap().id().clone();
    let other = town.graph.connect(id("p2"), id("p3"), Knows { since: 1 }).await.unwrap().id().clone();
    let ids = [id("p0"), with_node.clone(), id("nobody"), other.clone(), id("p0"), Id::root()];
    let outcome = town.graph.delete_many(&ids).await.unwrap();
    let mut deleted = outcome.deleted.clone();
    deleted.sort();
    let mut expected = vec![id("p0"), with_node.clone(), other];
    expected.sort();
    assert_eq!(deleted, expected);
    assert_eq!((outcome.missing, outcome.edges), (vec![id("nobody")], vec![with_node]));
    assert!(matches!(outcome.refused[0].error, WriteError::Unsuitable { .. }));
    assert_eq!(town.graph.query::<Person>().count().await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_many_gives_each_edge_or_why_there_is_none() {
    let town = Town::new();
    town.people(3).await;
    town.graph.connect(id("p0"), id("p1"), Knows { since: 1 }).await.unwrap();
    let triples = [
        ("n.Person.p0", "n.Person.p1", Knows { since: 7 }),
        ("n.Person.p1", "n.Person.p2", Knows { since: 8 }),
        ("n.Person.p1", "n.Person.nobody", Knows { since: 9 }),
        ("n.Person.p1", "no id", Knows { since: 9 }),
        ("n.Person.p2", "n.Person.p2", Knows { since: 10 }),
    ];
    let results = town.graph.connect_many(triples).await.unwrap();
    let [there, new, unknown, bad, itself] = results.as_slice() else { panic!("{results:?}") };
    let (there, new) = (there.as_ref().unwrap(), new.as_ref().unwrap());
    assert_eq!((there.since, there.version()), (7, Version(2)));
    assert_eq!((new.since, new.version()), (8, Version(1)));
    assert!(matches!(unknown, Err(Error::Write(WriteError::UnknownEnd { .. }))));
    assert!(matches!(bad, Err(Error::Id(_))));
    assert_eq!(itself.as_ref().unwrap().since, 10);
    assert_eq!(town.graph.query::<Knows>().count().await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_many_nodes_come_with_their_edges_in_the_order_of_creation() {
    let town = Town::new();
    town.people(4).await;
    let note = town.graph.create(Note { text: "x".into() }).await.unwrap();
    for (from, to, since) in [("p0", "p2", 3), ("p0", "p1", 1), ("p1", "p0", 5), ("p3", "p3", 9)] {
        town.graph.connect(id(from), id(to), Knows { since }).await.unwrap();
    }
    town.graph.connect(id("p0"), id("p3"), Owes { amount: 10 }).await.unwrap();
    town.graph.connect_both(id("p2"), id("p3"), Knows { since: 6 }).await.unwrap();

    let nodes = [id("p0"), id("nobody"), id("p3"), id("p0")];
    let of = async |direction| {
        let all = town.graph.neighbours_of::<Knows>(&nodes, direction).await.unwrap();
        all.iter()
            .map(|of| of.iter().map(|one| (one.edge.since, one.node.clone())).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let out = of(Direction::Out).await;
    assert_eq!(out[0], [(3, id("p2")), (1, id("p1"))]);
    assert_eq!((&out[1], &out[3]), (&vec![], &out[0]));
    assert_eq!(out[2], [(9, id("p3")), (6, id("p2"))]);
    assert_eq!(of(Direction::In).await[0], [(5, id("p1"))]);

    let people = town.graph.neighbour_nodes_of::<Knows, Person>(&nodes, Direction::Out).await.unwrap();
    assert_eq!((people[0][0].node.name.as_str(), people[0][0].edge.since), ("P2", 3));
    assert_eq!(people[0].len(), 2);
    let wrong = town.graph.neighbours_of::<Knows>(&[note.id().clone()], Direction::Out).await;
    assert!(matches!(wrong, Err(Error::WrongEntity { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_calls_can_be_awaited_in_tasks() {
    let town = Town::new();
    let mut people = town.people(3).await;
    let graph = town.graph.clone();
    let done = tokio::spawn(async move {
        people.iter_mut().for_each(|person| person.age = 51);
        assert!(graph.save_many(&mut people).await.unwrap().is_complete());
        let ids: Vec<Id> = people.iter().map(|person| person.id().clone()).collect();
        let updated = graph.update_many(&ids, |person: &mut Person| person.age += 1).await.unwrap();
        assert!(updated.iter().all(|person| person.as_ref().unwrap().age == 52));
        let pair = [(ids[0].clone(), ids[1].clone(), Knows { since: 1 })];
        assert!(graph.connect_many(pair).await.unwrap()[0].is_ok());
        graph.delete_many(&ids).await.unwrap().deleted.len()
    });
    assert_eq!(done.await.unwrap(), 3);
}
