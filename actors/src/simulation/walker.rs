//! The walker of a simulation: it tells what it has seen, and changes some of it.

use std::sync::Arc;

use parking_lot::Mutex;
use wayfare_graph::{
    At, Direction, Document, Here, HookFault, HookResult, HookSpec, HookTarget, Id, Occasion, Step, Version,
    Walk, WalkOptions, Walker,
};

use super::disk::Mark;
use super::store::World;

/// What a walk has done so far.
#[derive(Debug, Default)]
pub(super) struct WalkLog {
    /// What it has read.
    pub(super) seen: Vec<(Id, Version, u64)>,
    /// What it has asked to be changed, each with the tokens that were made for it, one for each time it was tried.
    pub(super) changes: Vec<(Id, Arc<Mutex<Vec<u64>>>)>,
}

/// Goes along edges for some steps.
pub(super) struct Wanderer {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) log: Arc<Mutex<WalkLog>>,
    pub(super) direction: Direction,
    pub(super) steps: u32,
    /// Changes what it visits first, and then every one of so many; 0 for none.
    pub(super) change_each: usize,
}

impl Wanderer {
    fn visit(&mut self, here: &Here<'_, Document>, walk: &mut Walk) -> Result<(), HookFault> {
        let document = here.document()?;
        let mut log = self.log.lock();
        log.seen.push((here.id().clone(), here.version(), Mark::of(&document).token));
        if self.change_each > 0 && (log.seen.len() - 1).is_multiple_of(self.change_each) {
            let tokens = Arc::<Mutex<Vec<u64>>>::default();
            log.changes.push((here.id().clone(), Arc::clone(&tokens)));
            let world = Arc::clone(&self.world);
            here.update(move |stored| {
                let base = Mark::of(stored).token;
                let token = world.lock().model.attempt(stored.id(), None);
                tokens.lock().push(token);
                Ok(stored.clone().with_body(Mark { token, base }.body()))
            });
        }
        if walk.depth() < self.steps {
            walk.visit(here.neighbours(self.direction));
        }
        Ok(())
    }
}

impl Walker for Wanderer {
    const NAME: &'static str = "Wanderer";

    fn hooks() -> &'static [HookSpec] {
        const {
            &[HookSpec {
                name: "visit",
                target: HookTarget::Visit(At::Any),
                is_async: false,
                takes_many: false,
            }]
        }
    }

    fn options(&self) -> WalkOptions {
        WalkOptions::default()
    }

    fn call(&mut self, _: usize, occasion: Occasion<'_>, walk: &mut Walk) -> HookResult {
        if let Occasion::At(visited) = occasion {
            self.visit(&Here::of(visited)?, walk)?;
        }
        Ok(Step::Continue)
    }

    async fn call_async<'a>(
        &'a mut self,
        hook: usize,
        occasion: Occasion<'a>,
        walk: &'a mut Walk,
    ) -> HookResult {
        self.call(hook, occasion, walk)
    }
}
