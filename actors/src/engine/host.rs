//! Taking in walks.

use std::sync::Arc;

use actix::Actor;
use wayfare_graph::{
    ErasedWalker, Frontier, HookTable, HookTarget, Position, Profile, Trail, Unique, Walk, WalkOptions,
    WalkServices, WalkSetup,
};

use crate::engine::Engine;
use crate::hosted::{Hosted, Phase, RareState, State};
use crate::trace::Traced;
use crate::worker::Host;

impl Engine {
    /// Takes in a walk.
    pub(crate) fn host(&mut self, host: Host) {
        let seat = self.empty_seat();
        host.shared.set_address(self.actor(seat, host.shared.id).start());
        self.seats[seat] = Some(Box::new(self.hosted(host)));
        self.make_ready(seat);
    }

    fn hosted(&mut self, host: Host) -> Hosted {
        let Host { walker, start, options, shared, stream, restored, .. } = host;
        let table = self.table(&*walker);
        let limits = options.limits.clone().map_or_else(|| self.core.live.limits(), Arc::new);
        let (mut phase, mut profile) = (Phase::Entering, Profile::default());
        let mut frontier = frontier(&options, &table);
        let (mut durable, mut per_node, mut report) = (None, Default::default(), Vec::new());
        match restored {
            None => frontier.start(start),
            Some(restored) => {
                (phase, profile.visits, report) = (restored.phase, restored.visits, restored.report);
                shared.has_taken(restored.taken);
                if let Some(restored) = restored.frontier {
                    frontier = restored;
                } else {
                    frontier.start(start);
                }
                frontier.log();
                shared.set_durable(restored.durable.id().clone());
                durable = Some(restored.durable);
                per_node = restored.per_node;
            }
        }
        if table.enters().is_empty() {
            phase = phase.max(Phase::Walking);
        }
        if options.blocking {
            shared.goes_apart();
        }
        let services: Arc<dyn WalkServices> = Arc::clone(&self.core) as _;
        let mut walk = Walk::new(WalkSetup {
            walker: shared.walker,
            number: shared.id,
            services,
            frontier,
            options: &options,
            limits: &limits,
            listened: stream.is_some(),
        });
        walk.stand(Position::start(start), false);
        walk.restore_report(report);
        let together = self.together(&options, &table, &*walker);
        let rare = RareState { per_node, ..self.rare(&options, &table, durable) };
        Hosted {
            id: shared.id,
            driven: table.waits() || walker.max_workers().is_some() || options.blocking,
            blocking: options.blocking,
            table,
            walker: Some(walker),
            walk: Some(Box::new(walk)),
            state: State::Ready,
            phase,
            place: None,
            need: options.need,
            limits,
            seen_visits: profile.visits,
            profile,
            outstanding: 0,
            counted_ahead: 0,
            seen_state: None,
            traced: shared.span.get().map(Traced::new),
            ahead: 0,
            cold: 0,
            asked: Default::default(),
            missing: None,
            unsettled: Vec::new(),
            stream,
            filters: rare.only.is_some(),
            listens: !rare.events.is_empty(),
            durable: rare.durable.is_some(),
            together,
            returns: options.unique != Unique::Node,
            task: None,
            shared,
            rare: Box::new(rare),
        }
    }

    fn rare(
        &self,
        options: &WalkOptions,
        table: &HookTable,
        durable: Option<Box<crate::durable::DurableState>>,
    ) -> RareState {
        let specs = table.events().iter().filter_map(|&hook| table.spec(hook));
        let mut names: Vec<&'static str> = Vec::new();
        for spec in specs {
            // Each name once, wherever its hooks stand: a second subscription would bring each event twice.
            if let HookTarget::Event(key) = spec.target
                && !names.contains(&key().name)
            {
                names.push(key().name);
            }
        }
        RareState {
            only: options.only.clone().filter(|filter| !filter.is_all()),
            chunk_size: options.chunk_size,
            events: names.into_iter().map(|name| self.core.events.subscribe(name)).collect(),
            durable,
            ..RareState::default()
        }
    }

    /// Visits that are to be at hand together; 0 where they are made one by one.
    fn together(&self, options: &WalkOptions, table: &HookTable, walker: &dyn ErasedWalker) -> usize {
        match walker.max_workers() {
            // A batch ends when its slowest visit has: it is as large as what is read together.
            Some(_) => self.core.settings.visit_batch,
            None if table.takes_many() => options.chunk_size.saturating_add(1),
            None => 0,
        }
    }

    fn table(&mut self, walker: &dyn ErasedWalker) -> Arc<HookTable> {
        let kind = walker.walker_type();
        if let Some(table) = self.tables.iter().find(|table| table.walker() == kind) {
            return Arc::clone(table);
        }
        let table = Arc::new(HookTable::new(kind, walker.hooks()));
        self.tables.push(Arc::clone(&table));
        table
    }
}

/// The queue of a walk that begins.
pub(crate) fn frontier(options: &WalkOptions, table: &HookTable) -> Frontier {
    let mut frontier = Frontier::new(options.order, options.unique);
    if options.trail != Trail::Off {
        frontier = frontier.track().remember();
    }
    if table.leaves() {
        frontier = frontier.leave();
    }
    frontier
}
