//! Runs the binary in a folder of its own, which holds a store and the files of the test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;
use wayfare::{Document, Store, Write, WriteBatch};

/// A folder with a store, `store`, and the files of one test.
pub struct Place(TempDir);

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("the system has a folder for temporary files"))
    }

    /// Three cities in a row, two roads between them, and a fourth city on its own.
    pub fn with_cities() -> Self {
        let place = Self::new();
        place.file("cities.csv", "code,name,size\na,Aa,10\nb,Bb,20\nc,Cc,40\nd,Dd,\n");
        place.file("roads.csv", "from,to,km\na,b,1.5\nb,c,2.5\n");
        let ran = place.run(&[
            "import",
            "--nodes",
            "cities.csv",
            "--entity",
            "City",
            "--key",
            "code",
            "--edges",
            "roads.csv",
            "--entity",
            "Road",
            "--from",
            "from=City",
            "--to",
            "to=City",
        ]);
        ran.ended_with(0);
        place
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("a fresh folder takes files");
        path
    }

    /// Writes a gzipped file.
    pub fn gzipped(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.file(name, gzip(content.as_ref()))
    }

    /// The command, to be run in the folder on the store, with nothing of the caller's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wayfare"));
        command.args(arguments).args(["--store", "embedded:store"]);
        self.here(command)
    }

    /// Any program, to be run in the folder without the caller's settings.
    pub fn here(&self, mut command: Command) -> Command {
        command.current_dir(self.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WAYFARE_") {
                command.env_remove(name);
            }
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output();
        Ran::from(output.expect("the binary was built for this test"))
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        // A command that has seen enough closes its end.
        let _ = stdin.write_all(input);
        drop(stdin);
        Ran::from(child.wait_with_output().expect("a child can be waited for"))
    }

    /// The store of the folder or another one there, opened by the test itself; close it before the next run.
    pub fn open(&self, url: &str) -> Arc<dyn Store> {
        let url = match url.split_once(':') {
            Some((scheme @ ("embedded" | "json"), path)) => {
                format!("{scheme}:{}", self.path().join(path).display())
            }
            _ => url.to_owned(),
        };
        wayfare_stores::open(&url, &Default::default()).expect("no command has it open")
    }

    /// Stores documents as they are, whatever is wrong with them.
    pub fn put(&self, url: &str, documents: impl IntoIterator<Item = Value>) {
        let put =
            |json| Write::Put { document: Document::from_json(json).expect("the test gives a document") };
        let writes = documents.into_iter().map(put).collect();
        let store = self.open(url);
        let batch = [WriteBatch { writes, all_or_nothing: true }];
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let results = executor.expect("there are threads").block_on(store.apply(&batch));
        for written in results.expect("the store takes them").concat() {
            written.expect("the store takes it");
        }
    }

    /// The number of documents of an entity.
    pub fn count(&self, entity: &str) -> u64 {
        self.run(&["count", entity]).ended_with(0).json()["count"].as_u64().expect("count is a number")
    }

    /// The context of a document.
    pub fn context(&self, id: &str) -> Value {
        self.run(&["get", id]).ended_with(0).json()[0]["context"].clone()
    }
}

impl Ran {
    pub fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Asserts that standard error says all of these, and that no error shows its insides.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not in: {}", self.err);
        }
        assert!(!self.err.contains("panicked") && !self.err.contains(" { "), "{}", self.err);
        self
    }

    /// Asserts that standard error is empty.
    #[track_caller]
    pub fn silently(self) -> Self {
        assert_eq!(self.err, "");
        self
    }

    /// Standard output, which is one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in: {}", self.out))
    }

    /// A file's entry in the report of an import.
    #[track_caller]
    pub fn file(&self, number: usize) -> Value {
        self.json()["files"][number].clone()
    }
}

/// Names some figures of a file's entry in a report: `rows`, `new`, `changed`, `unchanged`, `rejected`.
pub fn figures(file: &Value) -> [u64; 5] {
    ["rows", "new", "changed", "unchanged", "rejected"]
        .map(|name| file[name].as_u64().expect("figures are numbers"))
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}
