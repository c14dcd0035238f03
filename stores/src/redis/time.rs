//! The server's time, as it is known here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use redis::Value;

use super::fault::{Fault, list, number_in_text};

/// How far the server's clock is from ours: told whenever it is asked for a sign of life.
///
/// It is off by half a round trip, and for the time between two signs by what its clock was set in the meantime.
#[derive(Debug)]
pub(super) struct ServerTime {
    start: Instant,
    ahead_ms: AtomicI64,
}

impl ServerTime {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), ahead_ms: AtomicI64::new(0) }
    }

    fn own_ms(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Milliseconds since 1970 by the server's clock.
    pub(super) fn now_ms(&self) -> u64 {
        // Relaxed: nothing else hangs on it.
        let now = self.own_ms().saturating_add(self.ahead_ms.load(Ordering::Relaxed));
        u64::try_from(now).unwrap_or_default()
    }

    /// Takes the answer to `TIME`.
    pub(super) fn set(&self, answer: &Value) -> Result<(), Fault> {
        let [seconds, micros] = list(answer)? else {
            return Err(Fault::Garbage("a time of other than two numbers".into()));
        };
        let millis = number_in_text(seconds)?.saturating_mul(1_000) + number_in_text(micros)? / 1_000;
        let ahead = i64::try_from(millis).unwrap_or(i64::MAX).saturating_sub(self.own_ms());
        self.ahead_ms.store(ahead, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_time_goes_on_between_its_signs() {
        let time = ServerTime::new();
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        time.set(&Value::Array(vec![text("1800000000"), text("250000")])).unwrap();
        let now = time.now_ms();
        assert!((1_800_000_000_250..1_800_000_010_000).contains(&now), "{now}");
        assert!(time.set(&Value::Array(vec![text("1")])).is_err() && time.set(&Value::Okay).is_err());
    }
}
