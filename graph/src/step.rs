//! What a hook tells the walk to do next.

use std::error::Error;

/// What the walker does after a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// Goes on: the remaining hooks at this node, then the next node.
    #[default]
    Continue,
    /// Leaves out the remaining hooks at this node.
    Skip,
    /// Ends the walk: clears the queue and runs the exit hooks.
    Disengage,
}

/// Any error that a hook returned.
pub type HookError = Box<dyn Error + Send + Sync>;

/// What a hook may return: `()`, [`Step`], or a `Result` of either with any error.
#[diagnostic::on_unimplemented(
    message = "a hook cannot return `{Self}`",
    label = "not `()`, `Step`, or a `Result` of either",
    note = "give values to the caller with `walk.report(…)`, and keep them in the walker's fields"
)]
pub trait IntoStep {
    /// The step, or the hook's error.
    ///
    /// # Errors
    /// The hook's own.
    fn into_step(self) -> Result<Step, HookError>;
}

impl IntoStep for () {
    fn into_step(self) -> Result<Step, HookError> {
        Ok(Step::Continue)
    }
}

impl IntoStep for Step {
    fn into_step(self) -> Result<Step, HookError> {
        Ok(self)
    }
}

impl<E: Into<HookError>> IntoStep for Result<(), E> {
    fn into_step(self) -> Result<Step, HookError> {
        self.map(|()| Step::Continue).map_err(Into::into)
    }
}

impl<E: Into<HookError>> IntoStep for Result<Step, E> {
    fn into_step(self) -> Result<Step, HookError> {
        self.map_err(Into::into)
    }
}
