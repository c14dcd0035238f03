//! The folder of data sets, and reading their files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

/// The variable that names the folder of data sets.
const VARIABLE: &str = "WAYFARE_DATA";

/// The folder of a set; `None`, said aloud, where there is no data.
pub fn folder_of(set: &str) -> Option<PathBuf> {
    let Some(data) = std::env::var_os(VARIABLE) else {
        // Past the capture of the test's output: a skipped test looks like a passed one.
        let line = format!("SKIPPED reference graph {set}: {VARIABLE} is not set\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
        return None;
    };
    let folder = PathBuf::from(data).join(set);
    assert!(folder.is_dir(), "`{}` is no folder: {VARIABLE} is wrong", folder.display());
    Some(folder)
}

/// The text of a file, which may lie there gzipped with `.gz` after its name.
pub fn text(folder: &Path, name: &str) -> String {
    let path = file(folder, name);
    let opened = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    let read = match path.extension().is_some_and(|extension| extension == "gz") {
        true => GzDecoder::new(opened).read_to_string(&mut text),
        false => { opened }.read_to_string(&mut text),
    };
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}

/// The path of a file, plain or gzipped.
pub fn file(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.exists() { plain } else { folder.join(format!("{name}.gz")) }
}

/// A JSON file.
pub fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&text(folder, name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rows of a comma-separated file without its header, and the header.
pub fn csv(folder: &Path, name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = text(folder, name);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = row(reader.headers().unwrap());
    (header, reader.records().map(|record| row(&record.unwrap())).collect())
}

/// Writes a comma-separated file into a folder and gives its path as text.
pub fn write_csv(
    folder: &Path,
    name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let path = folder.join(name);
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(header).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
    path.to_str().unwrap().to_owned()
}
