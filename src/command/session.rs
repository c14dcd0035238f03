//! What every command starts from: the settings, the store, and where it may write.

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use wayfare::{Config, Runtime, Store};

use super::exit::Failure;
use super::output::{Format, Output};
use super::stores;
use super::termination::Termination;

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Globals {
    /// The store, such as `embedded:PATH` [default: `[store] url` of the settings]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,

    /// The settings file [default: `config.toml` of the current folder, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The form of results [default: table on a terminal, json in a pipe]
    #[arg(long, global = true, value_name = "FORM")]
    pub(crate) format: Option<Format>,

    /// Prints no notes and no progress; errors are still told
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

/// One run of the command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The effective settings.
    pub(crate) config: Config,
    /// Where results go.
    pub(crate) output: Output,
    /// Whether notes and progress are left out.
    pub(crate) quiet: bool,
    /// SIGTERM, once a store is open.
    pub(crate) termination: Termination,
}

impl Session {
    /// Reads the settings; `workers` stands over them.
    pub(crate) fn start(globals: &Globals, workers: Option<usize>) -> Result<Self, Failure> {
        let mut builder = Config::load(globals.config.as_deref())?.to_builder();
        if let Some(url) = &globals.store {
            builder = builder.store_url(url.as_str());
        }
        if let Some(workers) = workers {
            builder = builder.workers_count(workers);
        }
        let (output, quiet) = (Output::new(globals.format), globals.quiet);
        Ok(Self { config: builder.build()?, output, quiet, termination: Termination::default() })
    }

    /// Opens the store, which is made if there is none.
    pub(crate) fn open(&self) -> Result<Runtime, Failure> {
        // Durable walks wait for the service that spawned them: a command that ends after a moment would
        // take them up and leave them again.
        let config = self.config.to_builder().durable_resume(false).build()?;
        let runtime = Runtime::start(&config)?;
        self.termination.begin(Some(&runtime));
        Ok(runtime)
    }

    /// Opens a store that must be there: a slip in its path would else make an empty one.
    pub(crate) fn open_existing(&self) -> Result<Runtime, Failure> {
        stores::check_exists(self.config.store.url.as_str())?;
        self.open()
    }

    /// Opens a store that must be there without a runtime, for work on whole stores.
    pub(crate) fn open_store(&self) -> Result<Arc<dyn Store>, Failure> {
        let store = stores::open_existing(&self.config, self.config.store.url.as_str())?;
        self.termination.begin(None);
        Ok(store)
    }

    /// Tells the user something that is no error.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(stderr(), "{text}");
        }
    }
}
