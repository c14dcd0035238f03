//! Lines that do not fit into memory, and graphs that do not fit on the disk.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{Place, Ran, figures};

const MIB: usize = 1 << 20;

#[test]
fn a_line_of_a_hundred_megabytes_is_told_and_passed_over() {
    let place = Place::new();
    let mut text = b"id,n\na,1\nb,".to_vec();
    text.resize(text.len() + 100 * MIB, b'x');
    text.extend_from_slice(b"\nc,3\n");
    place.file("a.csv", &text);
    let import = ["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"];
    place.run(&import).ended_with(3).says(&["`a.csv` line 3: the line is longer than 64 MiB", "stay: 1;"]);
    let ran = place.run(&[&import[..], &["--on-error", "skip"]].concat()).ended_with(3);
    assert_eq!(figures(&ran.file(0)), [3, 1, 0, 1, 1], "the row behind it is imported");
    let mut text = b"{\"id\": \"n.A.d\", \"context\": {\"text\": \"".to_vec();
    text.resize(text.len() + 100 * MIB, b'x');
    text.extend_from_slice(b"\"}}\n{\"id\": \"n.A.e\"}\n");
    place.file("a.jsonl", &text);
    let ran = place.run(&["import", "--nodes", "a.jsonl", "--on-error", "skip"]).ended_with(3);
    assert_eq!(figures(&ran.says(&["line 1: the line is longer"]).file(0)), [2, 1, 0, 0, 1]);
}

#[test]
fn a_record_that_a_stray_quote_keeps_open_is_told() {
    let place = Place::new();
    let mut text = b"id,n\na,1\nb,\"".to_vec();
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    (0..70 * 1024).for_each(|_| text.extend_from_slice(&line));
    text.extend_from_slice(b"c,3\n");
    place.file("a.csv", &text);
    let import = ["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"];
    place.run(&import).ended_with(3).says(&[
        "line 3",
        "longer than 64 MiB",
        "a quote left open",
        "--quote none",
    ]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_line_without_end_does_not_fill_the_memory() {
    let place = Place::new();
    let import = ["import", "--nodes", "-", "--entity", "A", "--key", "id", "--on-error", "skip"];
    let mut child = place.command(&import).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"id,n\na,1\nb,").unwrap();
    for _ in 0..600 {
        stdin.write_all(&[b'x'; MIB]).unwrap();
    }
    // All but what the pipe holds has been read by now.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: usize = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
    assert!(peak_kib < 300 * 1024, "the command takes {} MiB for a line of 600 MiB", peak_kib / 1024);
    stdin.write_all(b"\nc,3\n").unwrap();
    drop(stdin);
    let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(3);
    assert_eq!(figures(&ran.file(0)), [3, 2, 0, 0, 1]);
}

#[test]
#[cfg(unix)]
fn a_full_disk_ends_the_import_and_keeps_whole_batches() {
    /// Rows of a batch: as many as fit into 32 MiB of fields.
    const TEXT_BYTES: usize = 64 << 10;
    let place = Place::new();
    let text = "x".repeat(TEXT_BYTES);
    let rows: String = (0..2_000).map(|n| format!("{n},{text}\n")).collect();
    place.file("a.csv", format!("id,text\n{rows}"));
    // A file may have 80 MB (in blocks of 512 bytes); without the signal, writing beyond that is an error.
    let script = "ulimit -f 160000; trap '' XFSZ; exec \"$0\" import --nodes a.csv --entity A --key id --store embedded:store";
    let mut shell = place.here(Command::new("sh"));
    shell.args(["-c", script, env!("CARGO_BIN_EXE_wayfare")]);
    let ran = Ran::from(shell.output().unwrap())
        .ended_with(1)
        .says(&["out of space", "imported before it, which stay: "]);
    let [rows, new, ..] = figures(&ran.file(0));
    assert_eq!(rows, new);
    assert!((1..2_000).contains(&new), "{}", ran.out);
    assert_eq!(place.count("A"), new, "what was acknowledged is there, and nothing of the batch that failed");
    // With room again, the import goes on where it stopped.
    let ran = place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"]).ended_with(0);
    assert_eq!(figures(&ran.file(0)), [2_000, 2_000 - new, 0, new, 0]);
}
