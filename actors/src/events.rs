//! Events on their way to subscribers.

use dashmap::DashMap;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use wayfare_graph::{EventSource, Lagged, NextEvent, Published};

/// The events of one runtime, by name.
///
/// Each subscriber has its own place in a ring of bounded size: a publisher never waits, and a subscriber
/// that is too slow is told how many events it has missed.
pub(crate) struct Events {
    topics: DashMap<&'static str, broadcast::Sender<Published>>,
    buffer: usize,
}

impl Events {
    pub(crate) fn new(buffer: usize) -> Self {
        Self { topics: DashMap::new(), buffer: buffer.max(1) }
    }

    /// Tells all subscribers; returns how many there are.
    pub(crate) fn publish(&self, event: Published) -> usize {
        let Some(topic) = self.topics.get(event.name()).map(|topic| topic.clone()) else { return 0 };
        topic.send(event).unwrap_or(0)
    }

    /// Subscribes to the events of a name, from now on.
    pub(crate) fn subscribe(&self, name: &'static str) -> Box<dyn EventSource> {
        let topic = self.topics.entry(name).or_insert_with(|| broadcast::Sender::new(self.buffer));
        Box::new(Subscription(topic.subscribe()))
    }
}

struct Subscription(broadcast::Receiver<Published>);

impl EventSource for Subscription {
    fn next(&mut self) -> NextEvent<'_> {
        Box::pin(async move {
            match self.0.recv().await {
                Ok(event) => Some(Ok(event)),
                Err(RecvError::Lagged(missed)) => Some(Err(Lagged { missed })),
                Err(RecvError::Closed) => None,
            }
        })
    }

    fn try_next(&mut self) -> Option<Result<Published, Lagged>> {
        match self.0.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(Lagged { missed })),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}
