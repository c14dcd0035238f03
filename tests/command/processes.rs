//! Two commands at once, pipes that close, and Ctrl-C.

use std::io::Read;
use std::process::{Child, Command};

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

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_cancels_a_walk_and_tells_how_far_it_came() {
    const SIGINT_BIT: u64 = 1 << 1;
    let place = Place::with_cities();
    place.file("loop.csv", "s,t\nc,a\n");
    let circle = ["import", "--edges", "loop.csv", "--entity", "Road", "--from", "s=City", "--to", "t=City"];
    place.run(&circle).ended_with(0);
    let endless = [
        "walk",
        "sample",
        "--from",
        "n.City.a",
        "--walks",
        "1",
        "--steps",
        "4000000000",
        "--deadline",
        "20s",
    ];
    let mut child = place.command(&endless).spawn().unwrap();
    // The command begins to listen when the walk begins.
    while caught(child.id()) & SIGINT_BIT == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(130).says(&["interrupted"]);
    let known = ran.json();
    assert_eq!(known["interrupted"], true);
    assert!(known["visited"].is_u64() && known["walks"].is_array(), "{known}");
    place.run(&["count"]).ended_with(0);
}
