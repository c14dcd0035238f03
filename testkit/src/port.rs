//! Free ports of the loopback address.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The ports to choose from, all below those that Linux gives to outgoing connections (32768 and above by default):
/// port 0 would choose among the latter. There a server that is killed and started again could find its port taken by
/// any client, and a client that tries it in between may even be connected with itself.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// How far apart neighbouring processes begin; a prime, so that many of them spread over all ports.
const STRIDE: u32 = 97;

/// How many ports this process has tried.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// A port that nobody listens on, and that no other call in this process has been given.
///
/// Another process may take it before it is used: whoever starts a server on it has to be ready to try again.
pub(crate) fn free() -> u16 {
    let start = process::id().wrapping_mul(STRIDE);
    for _ in 0..COUNT {
        // Relaxed: only that the numbers differ matters.
        let candidate = candidate(start.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind((Ipv4Addr::LOCALHOST, candidate)).is_ok() {
            return candidate;
        }
    }
    panic!("no port from {FIRST} on is free, of {COUNT}");
}

fn candidate(number: u32) -> u16 {
    let offset = number % u32::from(COUNT);
    FIRST + u16::try_from(offset).expect("it is below COUNT, which is a u16")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// Listens on a port; tries again, since another process may just be looking whether the port is free.
    fn bind(port: u16) -> io::Result<TcpListener> {
        let begun = Instant::now();
        loop {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            if bound.is_ok() || begun.elapsed() > Duration::from_secs(10) {
                return bound;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn ports_differ_and_can_be_bound() {
        let (first, second) = (free(), free());
        assert_ne!(first, second);
        let listeners = [first, second].map(bind);
        assert!(listeners.iter().all(Result::is_ok));
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let taken = free();
        let _listener = bind(taken).unwrap();
        assert!((0..10).all(|_| free() != taken));
    }

    #[test]
    fn candidates_stay_below_the_ports_of_outgoing_connections() {
        for number in [0, 1, 11_999, 12_000, u32::MAX] {
            assert!((20_000..32_000).contains(&candidate(number)), "{number}");
        }
    }
}
