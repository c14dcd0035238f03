//! Why nothing was measured.

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The runtime gave an error.
    #[error(transparent)]
    Runtime(#[from] wayfare::Error),
    /// The runtime and its rival did not do the same, so comparing their times would mean nothing.
    #[error(
        "{work}: the runtime came to `{ours}` and its rival to `{rival}`: this is a bug of wayfare, please report it"
    )]
    Differs {
        /// What both did.
        work: &'static str,
        /// What came out of it.
        ours: String,
        /// What should have come out of it.
        rival: String,
    },
    /// A thread, a folder or the like was refused by the system.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl BenchError {
    /// Refuses results that are not equal.
    ///
    /// # Errors
    /// [`Differs`](Self::Differs).
    pub fn unless_equal<T: PartialEq + std::fmt::Debug>(
        work: &'static str,
        ours: &T,
        rival: &T,
    ) -> Result<(), Self> {
        match ours == rival {
            true => Ok(()),
            false => Err(Self::Differs { work, ours: format!("{ours:?}"), rival: format!("{rival:?}") }),
        }
    }
}
