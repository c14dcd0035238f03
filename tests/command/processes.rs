//! Two commands at once, pipes that close, Ctrl-C, and SIGTERM.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::harness::{Place, Ran};

/// More documents than a pipe and the command's buffer hold.
fn large() -> Place {
    let place = Place::new();
    let rows: String = (0..5_000).map(|n| format!("{n},{}\n", "x".repeat(100))).collect();
    place.file("a.csv", format!("id,text\n{rows}"));
    place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"]).ended_with(0);
    place
}

/// An export that nobody reads on: it holds the store until its pipe is closed.
fn holder(place: &Place) -> Child {
    let mut child = place.command(&["export"]).spawn().unwrap();
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    child
}

#[test]
fn a_store_that_another_process_has_open_is_busy_and_names_it() {
    let place = large();
    let mut holder = holder(&place);
    let ran = place.run(&["count"]).ended_with(1);
    ran.says(&["`store` is open elsewhere", &format!("process {}", holder.id()), "wait for it"]);
    drop(holder.stdout.take());
    holder.wait().unwrap();
    place.run(&["count"]).ended_with(0);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = large();
    for arguments in [&["export"][..], &["find", "A"]] {
        let mut child = place.command(arguments).spawn().unwrap();
        let mut first = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        drop(child.stdout.take());
        Ran::from(child.wait_with_output().unwrap()).ended_with(0).silently();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let place = Place::with_cities();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = Ran::from(place.command(&["count"]).stdout(full).output().unwrap());
    ran.ended_with(1).says(&["cannot write to standard output", "No space left"]);
}

/// The signals that a process catches, as a mask.
#[cfg(target_os = "linux")]
fn caught(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

/// Waits until a command listens to a signal.
#[cfg(target_os = "linux")]
fn until_it_catches(child: &mut Child, bit: u64) {
    while caught(child.id()) & bit == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
}

pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// A walk that does not end before the test has failed.
const ENDLESS: [&str; 10] =
    ["walk", "sample", "--from", "n.City.a", "--walks", "1", "--steps", "4000000000", "--deadline", "20s"];

/// Cities that a walk gets round and round in.
fn in_a_circle() -> Place {
    let place = Place::with_cities();
    place.file("loop.csv", "s,t\nc,a\n");
    let circle = ["import", "--edges", "loop.csv", "--entity", "Road", "--from", "s=City", "--to", "t=City"];
    place.run(&circle).ended_with(0);
    place
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_cancels_a_walk_and_tells_how_far_it_came() {
    const SIGINT_BIT: u64 = 1 << 1;
    let place = in_a_circle();
    let mut child = place.command(&ENDLESS).spawn().unwrap();
    // The command begins to listen when the walk begins.
    until_it_catches(&mut child, SIGINT_BIT);
    signal(&child, "INT");
    let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(130).says(&["interrupted"]);
    let known = ran.json();
    assert_eq!(known["interrupted"], true);
    assert!(known["visited"].is_u64() && known["walks"].is_array(), "{known}");
    place.run(&["count"]).ended_with(0);
}

const SIGTERM_BIT: u64 = 1 << 14;

/// An import from a pipe that has been told to end, and said that it has heard so.
#[cfg(target_os = "linux")]
fn told_to_end(place: &Place) -> (Child, ChildStdin, BufReader<std::process::ChildStderr>) {
    let import = ["import", "--nodes", "-", "--entity", "A", "--key", "id"];
    let mut child = place.command(&import).stdin(Stdio::piped()).spawn().unwrap();
    let mut rows = child.stdin.take().unwrap();
    rows.write_all(b"id,text\n1,one\n").unwrap();
    until_it_catches(&mut child, SIGTERM_BIT);
    signal(&child, "TERM");
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("SIGTERM: has 30000 ms to finish"), "{line}");
    (child, rows, said)
}

#[test]
#[cfg(target_os = "linux")]
fn on_sigterm_what_can_be_finished_is_and_nothing_is_missing() {
    let place = Place::new();
    let (mut child, mut rows, _said) = told_to_end(&place);
    rows.write_all(b"2,two\n").unwrap();
    drop(rows);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(place.count("A"), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_ends_the_command_at_once_and_leaves_the_store_as_it_was() {
    for (second, code) in [("TERM", 143), ("INT", 130)] {
        let place = Place::with_cities();
        let (mut child, rows, _said) = told_to_end(&place);
        signal(&child, second);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        drop(rows);
        assert_eq!(place.count("City"), 4);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_not_done_in_time_after_sigterm_is_broken_off_and_says_so() {
    let place = in_a_circle();
    place.file("config.toml", "[supervision]\ndrain_timeout_ms = 50\n");
    let mut child = place.command(&ENDLESS).spawn().unwrap();
    until_it_catches(&mut child, SIGTERM_BIT);
    signal(&child, "TERM");
    let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(143);
    ran.says(&["SIGTERM: has 50 ms", "ended by SIGTERM before it was done", "drain_timeout_ms"]);
    // An import whose pipe nobody writes on does not hold it up either.
    let import = ["import", "--nodes", "-", "--entity", "A", "--key", "id"];
    let mut child = place.command(&import).stdin(Stdio::piped()).spawn().unwrap();
    let rows = child.stdin.take().unwrap();
    until_it_catches(&mut child, SIGTERM_BIT);
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    drop(rows);
    place.run(&["count"]).ended_with(0);
}
