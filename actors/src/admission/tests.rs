use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::{FutureExt, poll};

use super::*;

type Entering<'g> = Pin<Box<dyn Future<Output = Result<Ticket, WalkError>> + 'g>>;

fn gate(most: usize, queue: usize) -> Arc<Gate> {
    let settings = AdmissionSettings { queue, wait: Duration::from_secs(10), ..Default::default() };
    Gate::new(most, &settings)
}

fn of(priority: i8, caller: &str) -> Admittance {
    Admittance { priority, caller: Some(caller.into()) }
}

/// Joins the line.
async fn join<'g>(gate: &'g Arc<Gate>, admittance: Admittance) -> Entering<'g> {
    let mut entering: Entering<'g> =
        Box::pin(async move { gate.enter(admittance, &Handle::current()).await });
    assert!(poll!(&mut entering).is_pending());
    entering
}

/// Who of those who wait has entered, after one walk has ended.
async fn entered(gate: &Arc<Gate>, waiting: &mut [(&'static str, Option<Entering<'_>>)]) -> &'static str {
    gate.leave();
    for (name, entering) in waiting.iter_mut() {
        if let Some(Poll::Ready(ticket)) = entering.as_mut().map(|entering| entering.poll_unpin_now()) {
            ticket.unwrap().spend();
            *entering = None;
            return name;
        }
    }
    "nobody"
}

trait PollNow {
    fn poll_unpin_now(&mut self) -> Poll<Result<Ticket, WalkError>>;
}

impl PollNow for Entering<'_> {
    fn poll_unpin_now(&mut self) -> Poll<Result<Ticket, WalkError>> {
        match self.now_or_never() {
            Some(ticket) => Poll::Ready(ticket),
            None => Poll::Pending,
        }
    }
}

async fn full(gate: &Arc<Gate>, walks: usize) {
    for _ in 0..walks {
        gate.enter(Admittance::default(), &Handle::current()).await.unwrap().spend();
    }
}

#[tokio::test(start_paused = true)]
async fn callers_take_turns_and_the_higher_priority_goes_first() {
    let gate = gate(1, 100);
    full(&gate, 1).await;
    let mut waiting = Vec::new();
    for (name, admittance) in [
        ("a1", of(0, "a")),
        ("a2", of(0, "a")),
        ("a3", of(0, "a")),
        ("b1", of(0, "b")),
        ("low", of(-5, "c")),
        ("high", of(5, "a")),
        ("b2", of(0, "b")),
    ] {
        waiting.push((name, Some(join(&gate, admittance).await)));
    }
    let mut order = Vec::new();
    for _ in 0..8 {
        order.push(entered(&gate, &mut waiting).await);
    }
    assert_eq!(order, ["high", "a1", "b1", "a2", "b2", "a3", "low", "nobody"]);
    let figures = gate.figures();
    assert_eq!((figures.admitted, figures.waited, figures.waiting), (8, 7, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_behind_higher_ones() {
    let gate = gate(1, 1_000);
    full(&gate, 1).await;
    let mut low = join(&gate, of(-100, "low")).await;
    let mut turns = 0;
    loop {
        let _high = join(&gate, of(100, "high")).await;
        gate.leave();
        turns += 1;
        if let Poll::Ready(ticket) = low.poll_unpin_now() {
            ticket.unwrap().spend();
            break;
        }
        assert!(turns < 100);
        // What was admitted above was dropped with its future, and its place is taken by hand.
        gate.enter_again();
    }
    assert!(turns > 1, "{turns}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_and_who_finds_the_line_full_is_told_when_to_come_again() {
    let gate = gate(2, 3);
    full(&gate, 2).await;
    let begun = tokio::time::Instant::now();
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(join(&gate, of(0, "a")).await);
    }
    let full = gate.enter(of(0, "a"), &Handle::current()).await.err().unwrap();
    assert!(matches!(full, WalkError::Overloaded { alive: 2, waiting: 3, .. }), "{full:?}");
    for (at, line) in lines.into_iter().enumerate() {
        match line.await.err().unwrap() {
            WalkError::Overloaded { retry_after, waiting, .. } => {
                assert!(retry_after >= HINTS[0] && retry_after <= HINTS[1]);
                assert_eq!(waiting, 2 - at as u64);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(begun.elapsed().as_secs(), 10);
    let figures = gate.figures();
    assert_eq!((figures.alive, figures.waiting, figures.overloaded), (2, 0, 4));
}

#[tokio::test(start_paused = true)]
async fn in_a_full_line_one_gives_way_to_a_higher_or_a_modester_caller() {
    let gate = gate(1, 4);
    full(&gate, 1).await;
    let mut greedy = Vec::new();
    for _ in 0..4 {
        greedy.push(join(&gate, of(0, "greedy")).await);
    }
    let _modest = join(&gate, of(0, "modest")).await;
    let _high = join(&gate, of(1, "greedy")).await;
    // The last two of the greedy one gave way, the first two still wait.
    let gone: Vec<bool> = greedy.iter_mut().map(|waiter| waiter.poll_unpin_now().is_ready()).collect();
    assert_eq!(gone, [false, false, true, true]);
    let refused = gate.enter(of(0, "modest"), &Handle::current()).await;
    assert!(matches!(refused, Err(WalkError::Overloaded { waiting: 4, .. })));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_the_line_and_a_ticket_that_is_dropped_lets_in_the_next() {
    let gate = gate(1, 10);
    full(&gate, 1).await;
    let first = join(&gate, of(0, "a")).await;
    let second = join(&gate, of(0, "a")).await;
    let mut third = pin!(join(&gate, of(0, "b")).await);
    drop(first);
    assert_eq!(gate.figures().waiting, 2);
    // The second gets the ticket and is dropped before it has looked.
    gate.leave();
    drop(second);
    let ticket = third.as_mut().await.unwrap();
    assert_eq!(gate.figures().alive, 1);
    drop(ticket);
    assert_eq!(gate.figures().alive, 0);
}

#[tokio::test(start_paused = true)]
async fn want_of_memory_closes_the_gate_until_there_is_some() {
    let gate = gate(10, 10);
    gate.set_memory(true);
    let mut waiting = join(&gate, Admittance::default()).await;
    match gate.try_enter() {
        Err(WalkError::Overloaded { memory_is_short, .. }) => assert!(memory_is_short),
        _ => panic!("a child enters though memory is short"),
    }
    gate.set_memory(false);
    assert!(matches!(waiting.poll_unpin_now(), Poll::Ready(Ok(_))));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_closes_tells_all_who_wait_and_a_wider_one_lets_them_in() {
    let gate = gate(1, 10);
    full(&gate, 1).await;
    let mut one = join(&gate, of(0, "a")).await;
    let mut two = join(&gate, of(0, "a")).await;
    gate.set_bounds(2, &AdmissionSettings::default());
    match one.poll_unpin_now() {
        Poll::Ready(ticket) => ticket.unwrap().spend(),
        Poll::Pending => panic!("there is room"),
    }
    assert!(two.poll_unpin_now().is_pending());
    gate.close();
    assert!(matches!(two.await, Err(WalkError::Stopped)));
    assert!(matches!(gate.enter(of(0, "a"), &Handle::current()).await, Err(WalkError::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn new_bounds_send_nobody_away_who_is_in_or_waits_and_hold_for_those_who_come() {
    let gate = gate(2, 10);
    full(&gate, 2).await;
    let mut waiting = join(&gate, of(0, "a")).await;
    let narrow = AdmissionSettings { queue: 1, wait: Duration::from_secs(1), ..AdmissionSettings::default() };
    gate.set_bounds(1, &narrow);
    assert_eq!((gate.figures().alive, gate.figures().waiting), (2, 1));
    let refused = gate.enter(of(0, "b"), &Handle::current()).await;
    assert!(matches!(refused, Err(WalkError::Overloaded { waiting: 1, .. })));
    // One has to end for the new bound, and one more before there is room.
    gate.leave();
    assert!(waiting.poll_unpin_now().is_pending());
    gate.leave();
    assert!(matches!(waiting.poll_unpin_now(), Poll::Ready(Ok(_))));
}
