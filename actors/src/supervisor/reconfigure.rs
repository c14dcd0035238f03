//! Settings that change while the runtime runs.

use actix::prelude::*;

use super::Supervisor;
use super::pool::Scale;
use crate::settings::Settings;

/// Takes over those of the settings that may change; the others are not looked at.
///
/// A message to the supervisor, so that changes are made one after another. Where its mailbox is full one may be overtaken
/// by the next: that one is not made any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reconfigure {
    /// The number of the change; the higher is the newer.
    pub(crate) number: u64,
    /// The settings.
    pub(crate) settings: Box<Settings>,
}

impl Handler<Reconfigure> for Supervisor {
    type Result = ();

    fn handle(&mut self, Reconfigure { number, settings }: Reconfigure, cx: &mut Context<Self>) {
        if number < self.last_change {
            return;
        }
        self.last_change = number;
        self.core.metrics.live.set(&settings.observe);
        self.core.walks.gate.set_bounds(settings.max_walks, &settings.admission);
        if let Some(count) = self.core.live.set(&settings) {
            self.handle(Scale { count }, cx);
        }
    }
}
