//! A program that does not outlive the test process, however that one ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What the shell does with the folder to remove as `$1` and the program with its arguments after it.
///
/// It leaves a guard behind, then becomes the program, which so has the shell's process id and is a child of the test
/// process. The guard reads from a pipe whose other end only the test process holds. A line tells it to go; the end of
/// the pipe says that the test process is gone, by whatever way. Then it kills the program, waits until it is dead, so
/// that nothing is written any more, and removes the folder. The wait has an end, for a machine where nobody takes the
/// exit status of orphans.
///
/// The guard is deaf to the signals that ask a process to go: among others the system sends one to it and the program
/// when the test process ends while the program is stopped.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
(
    trap '' HUP INT TERM
    read -r line <&3 && exit
    kill -9 $$
    rounds=0
    while kill -0 $$ 2>/dev/null && [ $rounds -lt 50 ]; do
        sleep 0.1
        rounds=$((rounds + 1))
    done
    rm -rf -- "$1"
) &
shift
exec "$@" 3<&-
"#;

/// Longest wait for a program to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is looked at meanwhile.
const STOP_INTERVAL: Duration = Duration::from_millis(1);

/// A running program; killed when dropped.
pub(crate) struct Guarded {
    child: Child,
    lifeline: ChildStdin,
}

impl Guarded {
    /// Starts `program`, appends what it prints to the file `output`, and has `folder` removed if this process ends
    /// before the value is dropped.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        output: &Path,
        folder: &Path,
    ) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(output)?;
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(folder).arg(program).args(arguments);
        command.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
        // Apart from the group of the test process: what is sent to that whole group, such as the interrupt of a
        // terminal, must not hit the guard before it has done its work.
        command.process_group(0);
        let mut child = command.spawn()?;
        let lifeline = child.stdin.take().expect("standard input was asked for as a pipe");
        Ok(Self { child, lifeline })
    }

    /// The id of the program's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Stops it until [`cont`](Self::cont), and returns when none of its threads runs any more.
    pub(crate) fn stop(&self) -> io::Result<()> {
        self.signal("STOP")?;
        // The signal is sent and not yet obeyed: on a busy machine a thread may answer one more request.
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !is_stopped(self.id()) {
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(STOP_INTERVAL);
        }
        Ok(())
    }

    /// Lets it go on.
    pub(crate) fn cont(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, name: &str) -> io::Result<()> {
        // The `kill` that every shell has within itself; the standard library can only kill for good.
        let mut command = Command::new("sh");
        command.args(["-c", r#"kill -s "$1" "$2""#, "sh", name, &self.id().to_string()]);
        let status = command.status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill: {status}"))) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // In this order: until its status has been taken the id belongs to nobody else, and by then the guard that
        // would kill by id has its line to go. Errors say that the program or the guard is gone, which is the aim.
        let _ = self.child.kill();
        let _ = self.lifeline.write_all(b"\n");
        let _ = self.child.wait();
    }
}

/// Whether all threads of a process are stopped. Where the system does not tell, they are believed to be.
fn is_stopped(id: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return true };
    threads.flatten().all(|thread| {
        // A thread that is gone by now does not run either.
        fs::read_to_string(thread.path().join("stat")).map_or(true, |stat| state(&stat) == Some('T'))
    })
}

/// The state in a line of `/proc`, behind a name in brackets that may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use std::mem;
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn start(program: &str, arguments: &[&str], folder: &Path) -> Guarded {
        Guarded::start(Path::new(program), arguments, &folder.join("output"), folder).unwrap()
    }

    /// Looks again and again: a process tells only its parent that it has ended.
    fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        true
    }

    fn is_alive(id: u32) -> bool {
        // A process that has ended but whose status nobody took is in state `Z`.
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| state(&stat) != Some('Z'))
    }

    #[test]
    fn a_dropped_program_is_dead_and_its_folder_is_left_to_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let program = start("/bin/sleep", &["60"], folder.path());
        let id = program.id();
        assert!(is_alive(id));
        drop(program);
        assert!(!is_alive(id));
        assert!(folder.path().exists());
    }

    #[test]
    fn a_program_dies_and_its_folder_goes_when_the_pipe_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = start("/bin/sleep", &["60"], folder.path());
        // What the end of this process would do: the pipe closes, and nobody has said anything.
        let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        drop(mem::replace(&mut program.lifeline, other.stdin.take().unwrap()));
        assert!(eventually(|| program.exited().unwrap().is_some()));
        assert_eq!(program.exited().unwrap().and_then(|status| status.signal()), Some(9));
        assert!(eventually(|| !folder.path().exists()));
        drop(program);
        other.wait().unwrap();
    }

    #[test]
    fn output_is_kept_and_the_exit_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = start("/bin/sh", &["-c", "echo a && echo b >&2; exit 7"], folder.path());
        assert!(eventually(|| program.exited().unwrap().is_some()));
        assert_eq!(program.exited().unwrap().and_then(|status| status.code()), Some(7));
        assert_eq!(fs::read_to_string(folder.path().join("output")).unwrap(), "a\nb\n");
    }

    #[test]
    fn a_stopped_program_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let program = start("/bin/sh", &["-c", "while :; do echo; done"], folder.path());
        let written = || fs::metadata(folder.path().join("output")).unwrap().len();
        assert!(eventually(|| written() > 0));
        program.stop().unwrap();
        let stopped = written();
        assert!(is_stopped(program.id()));
        assert_eq!(written(), stopped);
        program.cont().unwrap();
        assert!(eventually(|| written() > stopped));
    }

    #[test]
    fn a_stopped_program_is_killed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let program = start("/bin/sleep", &["60"], folder.path());
        let id = program.id();
        program.stop().unwrap();
        assert!(is_stopped(id));
        drop(program);
        assert!(!is_alive(id));
    }
}
