//! How often actors of one kind have ended lately.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Cause, Degraded, RestartPolicy};

/// Counts the ends of one kind of actor.
#[derive(Debug)]
pub(super) struct Intensity {
    policy: RestartPolicy,
    recent: VecDeque<(Instant, Cause)>,
}

impl Intensity {
    pub(super) fn new(policy: RestartPolicy) -> Self {
        Self { policy, recent: VecDeque::new() }
    }

    /// How long to wait before the restart; and what the runtime is degraded by, when there were too many.
    pub(super) fn ended(&mut self, now: Instant, cause: Cause) -> (Duration, Option<Degraded>) {
        let within = self.policy.within;
        while self.recent.front().is_some_and(|(then, _)| now.saturating_duration_since(*then) > within) {
            self.recent.pop_front();
        }
        let kind = cause.actor;
        self.recent.push_back((now, cause));
        let most = usize::try_from(self.policy.restarts).unwrap_or(usize::MAX);
        if self.recent.len() > most {
            let causes = self.recent.iter().map(|(_, cause)| cause.clone()).collect();
            // One more than are allowed tells all there is to tell.
            self.recent.pop_front();
            return (self.policy.max_backoff, Some(Degraded { kind, within, causes }));
        }
        let doublings = u32::try_from(self.recent.len() - 1).unwrap_or(u32::MAX);
        let pause = self.policy.backoff.saturating_mul(2_u32.saturating_pow(doublings));
        (pause.min(self.policy.max_backoff), None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::supervision::{ActorEnd, ActorKind};

    fn cause(number: usize) -> Cause {
        Cause { at: SystemTime::UNIX_EPOCH, actor: ActorKind::Shard, number, end: ActorEnd::ThreadEnded }
    }

    fn policy(restarts: u32) -> RestartPolicy {
        RestartPolicy {
            restarts,
            within: Duration::from_secs(10),
            backoff: Duration::from_millis(10),
            max_backoff: Duration::from_millis(70),
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_one_end_too_many_tells_all_causes() {
        let (mut intensity, now) = (Intensity::new(policy(4)), Instant::now());
        for (number, pause_ms) in [10, 20, 40, 70].into_iter().enumerate() {
            assert_eq!(intensity.ended(now, cause(number)), (Duration::from_millis(pause_ms), None));
        }
        let (pause, degraded) = intensity.ended(now, cause(4));
        let degraded = degraded.unwrap();
        assert_eq!((pause, degraded.kind), (Duration::from_millis(70), ActorKind::Shard));
        assert_eq!(degraded.causes, (0..5).map(cause).collect::<Vec<_>>());
        assert!(degraded.to_string().contains("shard 0: its thread ended; shard 1"), "{degraded}");
    }

    #[test]
    fn ends_that_are_long_ago_do_not_count() {
        let (mut intensity, start) = (Intensity::new(policy(1)), Instant::now());
        for turn in 0..20 {
            let (pause, degraded) = intensity.ended(start + Duration::from_secs(11 * turn), cause(0));
            assert_eq!((pause, degraded), (Duration::from_millis(10), None), "{turn}");
        }
    }

    #[test]
    fn where_no_restart_is_allowed_the_first_end_is_one_too_many() {
        let (_, degraded) = Intensity::new(policy(0)).ended(Instant::now(), cause(0));
        assert_eq!(degraded.unwrap().causes.len(), 1);
    }
}
