//! One test to a behaviour; whole sequences are compared with a plain vector in `model`.

mod model;

use super::*;

const ORDERS: [Order; 4] =
    [Order::BreadthFirst, Order::DepthFirst, Order::LeastCost, Order::Random { seed: 7 }];

fn root() -> Position {
    Position::start(Slot(0))
}

fn drain(frontier: &mut Frontier) -> Vec<u32> {
    std::iter::from_fn(|| frontier.pop().map(|at| at.slot.0)).collect()
}

fn push(frontier: &mut Frontier, slots: &[u32]) {
    frontier.push(slots, &root(), 1);
    frontier.end_group();
}

fn place(frontier: &mut Frontier, place: Place, slots: &[u32]) -> bool {
    let slots: Vec<_> = slots.iter().map(|&slot| (Slot(slot), None)).collect();
    frontier.place(place, &slots, &root(), 1)
}

fn queued(frontier: &Frontier) -> Vec<u32> {
    frontier.queued().into_iter().map(|slot| slot.0).collect()
}

#[test]
fn breadth_first_is_first_in_first_out_and_holds_a_node_once() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
    push(&mut frontier, &[1, 2, 1]);
    push(&mut frontier, &[3, 2]);
    assert_eq!((frontier.len(), frontier.is_predictable()), (3, true));
    assert_eq!(frontier.peek(2).unwrap().slot, Slot(3));
    assert_eq!(drain(&mut frontier), [1, 2, 3]);
}

#[test]
fn a_long_queue_keeps_its_order_while_its_popped_part_is_dropped() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::None);
    let (mut next, mut expected) = (0, 0);
    for _ in 0..5_000 {
        push(&mut frontier, &[next, next + 1]);
        next += 2;
        if next > 3_000 {
            assert_eq!(frontier.pop().unwrap().slot, Slot(expected));
            assert_eq!(frontier.pop().unwrap().slot, Slot(expected + 1));
            expected += 2;
        }
    }
    assert_eq!(drain(&mut frontier), (expected..next).collect::<Vec<_>>());
}

#[test]
fn depth_first_visits_a_subtree_before_the_next_sibling() {
    let mut frontier = Frontier::new(Order::DepthFirst, Unique::Node);
    push(&mut frontier, &[1, 2]);
    assert_eq!(frontier.pop().unwrap().slot, Slot(1));
    push(&mut frontier, &[5, 2, 6]);
    assert_eq!(drain(&mut frontier), [5, 2, 6], "2 is reached first below 1");
}

#[test]
fn least_cost_comes_first_and_ties_keep_their_order() {
    let mut frontier = Frontier::new(Order::LeastCost, Unique::Node);
    for (cost, slot) in [(2.0, 1), (1.0, 2), (1.0, 3), (0.5, 1)] {
        frontier.push_at(cost + 10.0, cost, Slot(slot), None, &root(), 1);
    }
    let first = frontier.pop().unwrap();
    assert_eq!((first.slot, first.cost), (Slot(1), 0.5), "the cost is told, not the priority");
    assert_eq!(drain(&mut frontier), [2, 3]);
}

#[test]
fn other_orders_know_no_cost() {
    for order in [Order::BreadthFirst, Order::DepthFirst, Order::Random { seed: 1 }] {
        let mut frontier = Frontier::new(order, Unique::Node);
        frontier.push_at(5.0, 4.0, Slot(1), Some(Slot(9)), &root(), 1);
        let at = frontier.pop().unwrap();
        assert_eq!((at.cost, at.via), (0.0, Some(Slot(9))), "{order:?}");
    }
}

#[test]
fn a_random_order_follows_from_its_seed_and_draws_each_node_once() {
    let run = |seed| {
        let mut frontier = Frontier::new(Order::Random { seed }, Unique::Node);
        push(&mut frontier, &(0..50).collect::<Vec<_>>());
        drain(&mut frontier)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let mut all = run(1);
    all.sort_unstable();
    assert_eq!(all, (0..50).collect::<Vec<_>>());
}

#[test]
fn a_random_order_draws_every_node_first_equally_often() {
    let mut first = [0_u32; 5];
    for seed in 0..5_000 {
        let mut frontier = Frontier::new(Order::Random { seed }, Unique::Node);
        push(&mut frontier, &[0, 1, 2, 3, 4]);
        first[frontier.pop().unwrap().slot.0 as usize] += 1;
    }
    assert!(first.iter().all(|&n| (850..1_150).contains(&n)), "{first:?}");
}

#[test]
fn what_was_drawn_stays_drawn_whatever_is_pushed_then() {
    for seed in 0..50 {
        let mut frontier = Frontier::new(Order::Random { seed }, Unique::Node);
        push(&mut frontier, &[1, 2, 3]);
        frontier.settle();
        let next = frontier.peek(0).unwrap().slot;
        push(&mut frontier, &[4, 5, 6]);
        frontier.settle();
        assert_eq!(frontier.peek(0).unwrap().slot, next);
        assert_eq!(frontier.pop().unwrap().slot, next);
    }
}

#[test]
fn without_uniqueness_a_node_comes_as_often_as_it_is_queued() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::None);
        push(&mut frontier, &[1, 1]);
        assert_eq!(drain(&mut frontier), [1, 1], "{order:?}");
    }
}

#[test]
fn an_edge_is_traversed_once_and_what_has_none_passes() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Edge);
        for via in [8, 9, 8] {
            frontier.push_edge(Slot(1), Slot(via), &root(), 1);
        }
        push(&mut frontier, &[1, 1]);
        assert_eq!(drain(&mut frontier), [1, 1, 1, 1], "{order:?}");
        frontier.push_edge(Slot(2), Slot(9), &root(), 1);
        assert_eq!(drain(&mut frontier), [0; 0], "{order:?}");
    }
}

#[test]
fn a_path_does_not_meet_itself_but_paths_may_cross() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Path);
        frontier.start(Slot(1));
        let start = frontier.pop().unwrap();
        frontier.push(&[1, 2, 2], &start, 1);
        let second = frontier.pop().unwrap();
        assert_eq!((second.slot, second.from), (Slot(2), Slot(1)));
        frontier.push(&[1, 2, 3], &second, 2);
        let mut rest = drain(&mut frontier);
        rest.sort_unstable();
        assert_eq!(rest, [2, 3], "{order:?}");
    }
}

#[test]
fn the_tree_knows_paths_and_cycles() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::None).track();
    frontier.start(Slot(1));
    let one = frontier.pop().unwrap();
    assert_eq!((one.from, one.branch, frontier.cycle(one.branch)), (Slot(1), 0, None));
    frontier.push_edge(Slot(2), Slot(77), &one, 1);
    let two = frontier.pop().unwrap();
    frontier.push(&[1], &two, 2);
    let again = frontier.pop().unwrap();
    assert_eq!((again.from, again.branch, frontier.branches()), (Slot(2), 2, 3));
    let path = [(Slot(1), None), (Slot(2), Some(Slot(77))), (Slot(1), None)];
    assert_eq!(frontier.path(again.branch), path);
    assert_eq!(frontier.cycle(again.branch).unwrap(), [Slot(1), Slot(2), Slot(1)]);
    assert!(frontier.on_path(two.branch, Slot(1)) && !frontier.on_path(one.branch, Slot(2)));
}

#[test]
fn without_a_tree_there_are_no_paths() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
    push(&mut frontier, &[1]);
    let at = frontier.pop().unwrap();
    assert_eq!((at.branch, frontier.branches(), frontier.path(0).len()), (0, 0, 0));
    assert!(!frontier.on_path(0, Slot(1)) && frontier.cycle(0).is_none());
}

#[test]
fn a_node_is_left_after_everything_below_it() {
    for tracked in [false, true] {
        let mut frontier = Frontier::new(Order::DepthFirst, Unique::Node).leave();
        frontier = if tracked { frontier.track() } else { frontier };
        frontier.start(Slot(1));
        let (mut trail, mut branches) = (String::new(), Vec::new());
        while let Some(at) = frontier.pop() {
            trail += &format!("{}{} ", if at.leaving { "/" } else { "" }, at.slot.0);
            branches.push((at.slot.0, at.branch, at.from.0));
            match (at.leaving, at.slot.0) {
                (false, 1) => frontier.push(&[2, 3], &at, 1),
                (false, 2) => frontier.push(&[4, 3], &at, 2),
                _ => {}
            }
            frontier.end_group();
        }
        assert_eq!(trail, "1 2 4 /4 3 /3 /2 /1 ", "tracked: {tracked}");
        assert_eq!(branches[2], branches[3], "leaving is told the branch and origin of the visit");
        assert_eq!((frontier.branches(), branches[7].2), (if tracked { 4 } else { 0 }, 1));
    }
}

#[test]
fn only_depth_first_walks_leave() {
    for order in [Order::BreadthFirst, Order::LeastCost, Order::Random { seed: 3 }] {
        let mut frontier = Frontier::new(order, Unique::Node).leave();
        push(&mut frontier, &[1]);
        assert_eq!(drain(&mut frontier), [1], "{order:?}");
    }
}

#[test]
fn the_front_comes_before_all_and_the_latest_front_first() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1]);
        assert!(place(&mut frontier, Place::Front, &[2, 3]));
        assert!(place(&mut frontier, Place::Front, &[4, 5, 4]));
        assert!(!frontier.is_predictable());
        assert_eq!(queued(&frontier), [4, 5, 2, 3, 1], "{order:?}");
        assert_eq!(drain(&mut frontier), [4, 5, 2, 3, 1], "{order:?}");
    }
}

#[test]
fn next_follows_the_nexts_of_the_same_visit_and_precedes_those_of_earlier_ones() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
    push(&mut frontier, &[1]);
    place(&mut frontier, Place::Next, &[2, 3]);
    place(&mut frontier, Place::Next, &[4]);
    place(&mut frontier, Place::Front, &[5]);
    place(&mut frontier, Place::Next, &[6]);
    frontier.end_group();
    place(&mut frontier, Place::Next, &[7]);
    assert_eq!(drain(&mut frontier), [7, 5, 2, 3, 4, 6, 1]);
}

#[test]
fn what_is_attached_comes_in_one_block_with_its_anchor() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1, 2, 3]);
        for (at, slots) in [
            (Place::After(Slot(2)), [20, 21]),
            (Place::Before(Slot(2)), [10, 11]),
            (Place::Before(Slot(2)), [12, 13]),
            (Place::After(Slot(2)), [22, 23]),
            (Place::Before(Slot(11)), [30, 31]),
        ] {
            assert!(place(&mut frontier, at, &slots));
        }
        let trail = drain(&mut frontier);
        let start = trail.iter().position(|&slot| slot == 10).unwrap();
        assert_eq!(trail[start..start + 11], [10, 30, 31, 11, 12, 13, 2, 20, 21, 22, 23], "{order:?}");
        assert_eq!(trail.len(), 13, "{order:?}");
    }
}

#[test]
fn beside_a_node_that_does_not_wait_nothing_is_queued() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1]);
        frontier.pop();
        assert!(!place(&mut frontier, Place::Before(Slot(1)), &[2]), "visited, {order:?}");
        assert!(!place(&mut frontier, Place::After(Slot(5)), &[2]), "never queued, {order:?}");
        assert!(frontier.is_empty() && !frontier.waits_for(Slot(2)));
    }
}

#[test]
fn a_placed_node_is_moved_and_a_visited_one_is_not_placed() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[9]);
        frontier.pop();
        push(&mut frontier, &[1, 2, 3]);
        place(&mut frontier, Place::Front, &[9, 3]);
        place(&mut frontier, Place::Before(Slot(3)), &[1]);
        assert_eq!(frontier.len(), 3, "{order:?}");
        assert_eq!(drain(&mut frontier), [1, 3, 2], "{order:?}");
    }
}

#[test]
fn nodes_placed_beside_each_other_in_a_ring_all_come() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1]);
        place(&mut frontier, Place::Before(Slot(1)), &[2]);
        place(&mut frontier, Place::After(Slot(2)), &[3]);
        place(&mut frontier, Place::Before(Slot(3)), &[1]);
        place(&mut frontier, Place::Before(Slot(1)), &[1]);
        assert_eq!(drain(&mut frontier), [2, 1, 3], "{order:?}");
    }
}

#[test]
fn a_dequeued_node_does_not_come_and_may_be_queued_again() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1, 2, 3]);
        assert_eq!((frontier.dequeue(Slot(2)), frontier.dequeue(Slot(2))), (1, 0));
        assert_eq!((frontier.len(), frontier.waits_for(Slot(2))), (2, false));
        assert_eq!(frontier.has_visited(Slot(2)), Some(false));
        push(&mut frontier, &[2]);
        let mut trail = drain(&mut frontier);
        trail.sort_unstable();
        assert_eq!(trail, [1, 2, 3], "{order:?}");
        assert_eq!(frontier.dequeue(Slot(2)), 0, "visited");
    }
}

#[test]
fn a_node_dequeued_and_queued_by_one_visit_comes_once_depth_first() {
    let mut frontier = Frontier::new(Order::DepthFirst, Unique::None);
    frontier.push(&[1, 2, 1], &root(), 1);
    assert_eq!(frontier.dequeue(Slot(1)), 2);
    frontier.push(&[3, 1], &root(), 1);
    frontier.end_group();
    assert_eq!(drain(&mut frontier), [2, 3, 1]);
}

#[test]
fn what_was_attached_to_a_dequeued_node_still_comes() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1]);
        place(&mut frontier, Place::Front, &[5]);
        place(&mut frontier, Place::Before(Slot(1)), &[2]);
        place(&mut frontier, Place::After(Slot(1)), &[3]);
        frontier.dequeue(Slot(1));
        assert_eq!(drain(&mut frontier), [5, 2, 3], "{order:?}");
    }
}

#[test]
fn a_dequeued_edge_may_be_traversed_after_all() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Edge);
        frontier.push_edge(Slot(1), Slot(9), &root(), 1);
        frontier.dequeue(Slot(1));
        frontier.push_edge(Slot(1), Slot(9), &root(), 1);
        assert_eq!(drain(&mut frontier), [1], "{order:?}");
    }
}

#[test]
fn a_cleared_queue_forgets_what_waited_but_not_what_was_visited() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1]);
        frontier.pop();
        push(&mut frontier, &[2, 3]);
        place(&mut frontier, Place::Before(Slot(3)), &[4]);
        place(&mut frontier, Place::Front, &[5]);
        frontier.clear();
        assert!(frontier.is_empty() && frontier.pop().is_none());
        assert_eq!(frontier.is_predictable(), order == Order::BreadthFirst);
        push(&mut frontier, &[1, 2, 3, 4, 5]);
        assert_eq!((frontier.len(), frontier.longest()), (4, 4), "{order:?}");
    }
}

#[test]
fn a_settled_frontier_tells_what_a_pop_would_give() {
    for order in [Order::DepthFirst, Order::LeastCost, Order::Random { seed: 5 }] {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1, 1, 1]);
        frontier.pop();
        assert_eq!(frontier.len(), 2, "{order:?}");
        frontier.settle();
        assert!(frontier.is_empty() && frontier.peek(0).is_none(), "{order:?}");
    }
}

#[test]
fn visited_nodes_are_known_where_nodes_are_unique_or_remembered() {
    for (order, unique) in ORDERS.into_iter().flat_map(|order| {
        [Unique::Node, Unique::Edge, Unique::Path, Unique::None].map(|unique| (order, unique))
    }) {
        for remembers in [false, true] {
            let mut frontier = Frontier::new(order, unique);
            frontier = if remembers { frontier.remember() } else { frontier };
            frontier.start(Slot(1));
            let start = frontier.pop().unwrap();
            frontier.push(&[2], &start, 1);
            let visited = [1, 2, 3].map(|slot| frontier.has_visited(Slot(slot)));
            let known = remembers || unique == Unique::Node;
            assert_eq!(visited, [true, false, false].map(|visited| known.then_some(visited)), "{order:?}");
        }
    }
}

#[test]
fn a_queue_that_is_edited_over_and_over_does_not_grow() {
    for order in ORDERS {
        let mut frontier = Frontier::new(order, Unique::Node);
        push(&mut frontier, &[1]);
        for _ in 0..10_000 {
            push(&mut frontier, &[2]);
            place(&mut frontier, Place::After(Slot(1)), &[2, 3]);
            frontier.dequeue(Slot(2));
        }
        assert!(frontier.queue.len() < 200, "{order:?}");
        assert_eq!((queued(&frontier), frontier.len(), frontier.longest()), (vec![1, 3], 2, 3));
    }
}

#[test]
fn a_checkpoint_of_an_unedited_line_is_what_came_and_went() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
    frontier.log();
    push(&mut frontier, &[1, 2, 3]);
    frontier.pop();
    let first = frontier.checkpoint();
    assert_eq!((first.reset, first.popped, first.pushed.len()), (false, 0, 2));
    assert_eq!((first.seen_reset, &first.seen[..]), (false, &[1, 2, 3][..]));
    frontier.pop();
    push(&mut frontier, &[4, 5]);
    let second = frontier.checkpoint();
    assert_eq!((second.reset, second.popped, second.pushed.len()), (false, 1, 2));
    assert_eq!(second.seen, [4, 5]);
    assert_eq!(frontier.checkpoint(), FrontierDelta::default());
}

#[test]
fn a_checkpoint_after_an_edit_holds_everything_once() {
    let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
    frontier.log();
    push(&mut frontier, &[1, 2, 3]);
    frontier.checkpoint();
    frontier.dequeue(Slot(2));
    let edited = frontier.checkpoint();
    assert_eq!((edited.reset, edited.pushed.len(), edited.seen_reset), (true, 2, true));
    assert_eq!(edited.seen, [1, 3]);
    assert!(!frontier.checkpoint().reset);
}

#[test]
fn orders_and_uniqueness_are_written_in_words() {
    let text = |value: &Order| serde_json::to_string(value).unwrap();
    assert_eq!(text(&Order::BreadthFirst), r#""breadth_first""#);
    assert_eq!(text(&Order::Random { seed: 7 }), r#"{"random":{"seed":7}}"#);
    assert_eq!(serde_json::to_string(&Unique::Path).unwrap(), r#""path""#);
}

#[test]
fn a_frontier_stays_small() {
    assert_eq!(size_of::<Entry>(), 16);
    assert!(size_of::<Frontier>() <= 120, "{}", size_of::<Frontier>());
}

#[test]
fn a_stored_tree_whose_visits_lead_to_themselves_is_not_sound() {
    let state = |parents: &[u32], from: u32| {
        let node = |&parent: &u32| TreeNode { slot: 0, parent, via: u32::MAX };
        let tree = parents.iter().map(node).collect();
        let held = Held::Queue;
        let waiting =
            vec![Waiting { slot: 0, from, via: u32::MAX, depth: 1, cost: 0.0, priority: 0.0, held }];
        FrontierState { tree, waiting, ..FrontierState::default() }
    };
    assert!(state(&[u32::MAX, 0, 0, 2, u32::MAX], 4).is_sound(true));
    assert!(state(&[], u32::MAX).is_sound(true));
    for parents in [&[0][..], &[1, 0], &[u32::MAX, 2, 0]] {
        assert!(!state(parents, 0).is_sound(true), "{parents:?}");
    }
    // The next visit would be number 1, and lead to itself.
    assert!(!state(&[u32::MAX], 1).is_sound(true));
    assert!(state(&[], 1).is_sound(false), "without a tree it is a slot");
}
