//! Random sequences of everything that can be done to a frontier, beside the model and over checkpoints.

use super::*;

fn all_rules() -> impl Iterator<Item = (Order, Unique)> {
    let uniques = [Unique::Node, Unique::Edge, Unique::Path, Unique::None];
    ORDERS.into_iter().flat_map(move |order| uniques.map(|unique| (order, unique)))
}

/// Rules under which the model can tell what comes: where an edge leads to many nodes, as it does in these
/// sequences, which of them comes is for the draw to say.
fn foreseeable_rules() -> impl Iterator<Item = (Order, Unique)> {
    let drawn = |order: &Order| matches!(order, Order::Random { .. });
    all_rules().filter(move |(order, unique)| !drawn(order) || *unique != Unique::Edge)
}

#[test]
fn random_sequences_agree_with_a_plain_model() {
    for (seed, (order, unique)) in
        (0..40).flat_map(|seed| foreseeable_rules().map(move |rules| (seed, rules)))
    {
        let rules = Rules { order, unique };
        let (mut random, mut model) = (Random::new(seed), Model::default());
        let mut frontier = Frontier::new(order, unique).track();
        frontier.start(Slot(0));
        model.push(
            &rules,
            Item { slot: 0, via: None, parent: u32::MAX, rank: (0.0, 0), cost: 0.0, number: 0 },
            0.0,
            0.0,
        );
        let mut at = Position { branch: 0, ..frontier.pop().unwrap() };
        let drawn = Entry { from: NOTHING, ..Entry::BLANK };
        model.pop(&rules, Some(drawn));
        for number in 0..150 {
            let step = step(&mut random, order);
            let context = || format!("seed {seed}, step {number}: {step:?}, {order:?}, {unique:?}");
            if matches!(step, Step::Pop) {
                frontier.settle();
            }
            let outcome = without_depth(take(&mut frontier, &step, &at));
            let drawn = match &outcome {
                Outcome::Popped(Some(at)) => {
                    let node = frontier.tree().and_then(|tree| tree.get(at.branch)).unwrap();
                    Some(Entry { slot: at.slot, from: node.parent, via: node.via, depth: 0 })
                }
                _ => frontier.peek(0),
            };
            let expected = follow(&mut model, &rules, &step, &at, drawn);
            compare(&mut frontier, &mut model, &rules, &context());
            assert_eq!(outcome, expected, "{}", context());
            if let Outcome::Popped(Some(popped)) = expected {
                at = popped;
            }
        }
    }
}

fn compare(frontier: &mut Frontier, model: &mut Model, rules: &Rules, context: &str) {
    let living = model.all().len();
    // The model drops what is stale earlier than a random order does.
    let exact = !matches!(rules.order, Order::Random { .. }) || rules.unique != Unique::Node;
    assert!(frontier.len() == living || (!exact && frontier.len() > living), "{context}");
    for slot in 0..12 {
        assert_eq!(frontier.waits_for(Slot(slot)), model.waits(rules, slot), "{slot}, {context}");
        if let Some(visited) = frontier.has_visited(Slot(slot)) {
            assert_eq!(visited, model.visited.contains(&slot), "{slot}, {context}");
        }
    }
    assert_eq!(frontier.branches(), model.parents.len(), "{context}");
    if frontier.is_predictable() {
        let ahead: Vec<_> =
            (0..model.main.len()).filter_map(|at| frontier.peek(at)).map(|e| e.slot.0).collect();
        assert_eq!(ahead, model.main.iter().map(|item| item.slot).collect::<Vec<_>>(), "{context}");
    }
}

/// Which of a frontier's flags to set, and whether checkpoints come often.
fn flags(seed: u64) -> FrontierFlags {
    FrontierFlags { track: seed & 1 != 0, leave: seed & 2 != 0, remember: seed & 4 != 0, log: seed & 8 != 0 }
}

#[test]
fn a_restored_frontier_goes_on_as_the_one_it_was_taken_from() {
    for (seed, (order, unique)) in (0..30).flat_map(|seed| all_rules().map(move |rules| (seed, rules))) {
        let flags = flags(seed);
        let mut random = Random::new(seed);
        let mut frontier = Frontier::restore(order, unique, flags, FrontierState::default());
        let mut state = FrontierState::default();
        frontier.start(Slot(0));
        let mut at = frontier.pop().unwrap();
        for number in 0..150 {
            if random.below(10) == 0 {
                if random.below(3) == 0 {
                    frontier.log_anew();
                    state = FrontierState::default();
                }
                state.apply(frontier.checkpoint());
                let written = serde_json::to_string(&state).unwrap();
                state = serde_json::from_str(&written).unwrap();
                let flags = FrontierFlags { log: true, ..flags };
                let mut restored = Frontier::restore(order, unique, flags, state.clone());
                let context = (seed, number);
                let delta = go_on_alike(&mut frontier, &mut restored, &mut at, &mut random, order, context);
                state.apply(delta);
                // The walk goes on in one or the other, and checkpoints with it.
                if random.below(2) == 0 {
                    frontier = restored;
                }
            }
            let step = step(&mut random, order);
            if let Outcome::Popped(Some(popped)) = take(&mut frontier, &step, &at) {
                at = popped;
            }
        }
    }
}

fn go_on_alike(
    frontier: &mut Frontier,
    restored: &mut Frontier,
    at: &mut Position,
    random: &mut Random,
    order: Order,
    context: (u64, u32),
) -> FrontierDelta {
    for _ in 0..random.below(40) {
        let step = step(random, order);
        let context = format!("seed and step {context:?}, {step:?}, {order:?}, {:?}", frontier.unique);
        let outcome = take(frontier, &step, at);
        assert_eq!(outcome, take(restored, &step, at), "{context}");
        assert_eq!(frontier.queued(), restored.queued(), "{context}");
        assert_eq!(frontier.len(), restored.len(), "{context}");
        if let Outcome::Popped(Some(popped)) = outcome {
            *at = popped;
        }
    }
    let (mut theirs, mut ours) = (frontier.checkpoint(), restored.checkpoint());
    theirs.seen.sort_unstable();
    ours.seen.sort_unstable();
    assert_eq!(theirs.reset, ours.reset, "{context:?}");
    assert_eq!(theirs, ours, "{context:?}");
    theirs
}

#[test]
fn queued_nodes_are_told_in_the_order_in_which_they_come() {
    for (seed, (order, unique)) in
        (0..30).flat_map(|seed| foreseeable_rules().map(move |rules| (seed, rules)))
    {
        let mut random = Random::new(seed);
        let mut frontier = Frontier::new(order, unique);
        frontier.start(Slot(0));
        let mut at = frontier.pop().unwrap();
        for _ in 0..60 {
            if let Outcome::Popped(Some(popped)) = take(&mut frontier, &step(&mut random, order), &at) {
                at = popped;
            }
        }
        frontier.end_group();
        let (mut told, mut trail) = (queued(&frontier), drain(&mut frontier));
        if matches!(order, Order::Random { .. }) {
            told.sort_unstable();
            trail.sort_unstable();
        }
        assert_eq!(told, trail, "seed {seed}, {order:?}, {unique:?}");
    }
}
