//! System calls that fail, or end the process, from a moment on: a disk that does not say that data is on it.
//!
//! None of it can be taken back, so it is for processes of their own.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::io;

    /// The offset of the system call's number in what a filter is shown, `struct seccomp_data`.
    const NUMBER_AT: u32 = 0;

    const FAIL: u32 = libc::SECCOMP_RET_ERRNO | libc::EIO as u32;
    const DIE: u32 = libc::SECCOMP_RET_KILL_PROCESS;

    /// Whose calls are meant.
    #[derive(Clone, Copy)]
    enum Threads {
        All,
        ThisAndNew,
    }

    fn statement(code: u32, operand: u32) -> libc::sock_filter {
        libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: operand }
    }

    /// Goes on with the next statement when it is that call, and leaves that one out otherwise.
    fn is_call(number: libc::c_long) -> libc::sock_filter {
        let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        libc::sock_filter { code, jt: 0, jf: 1, k: u32::try_from(number).unwrap_or(u32::MAX) }
    }

    /// Has some threads get that answer to those calls.
    fn refuse(calls: &[libc::c_long], refusal: u32, threads: Threads) -> io::Result<()> {
        let answer = |answer: u32| statement(libc::BPF_RET | libc::BPF_K, answer);
        let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, NUMBER_AT)];
        for call in calls {
            filter.extend([is_call(*call), answer(refusal)]);
        }
        filter.push(answer(libc::SECCOMP_RET_ALLOW));
        let length = libc::c_ushort::try_from(filter.len()).unwrap_or(libc::c_ushort::MAX);
        let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
        let flags = match threads {
            Threads::All => libc::SECCOMP_FILTER_FLAG_TSYNC,
            Threads::ThisAndNew => 0,
        };
        // SAFETY: the call takes numbers only.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `program` points to `filter`, which lives until after the call and has as many statements as it says;
        // the kernel copies them and checks each.
        let set = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
        };
        if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    pub(super) fn fail_syncs() -> io::Result<()> {
        let calls = [libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_msync, libc::SYS_sync_file_range];
        refuse(&calls, FAIL, Threads::All)
    }

    pub(super) fn fail_syncfs() -> io::Result<()> {
        refuse(&[libc::SYS_syncfs], FAIL, Threads::ThisAndNew)
    }

    pub(super) fn die_at_fsync() -> io::Result<()> {
        refuse(&[libc::SYS_fsync], DIE, Threads::ThisAndNew)
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod linux {
    use std::io;

    fn elsewhere() -> io::Result<()> {
        Err(io::Error::other("it is no Linux on x86-64 or ARM64"))
    }

    pub(super) use {elsewhere as die_at_fsync, elsewhere as fail_syncfs, elsewhere as fail_syncs};
}

/// From now on, and on all threads, this process is told that data could not be brought to the disk: `fsync`, `fdatasync`,
/// `msync` and `sync_file_range` fail with `EIO`; `syncfs` does what it should. `false`, said aloud, where this machine
/// cannot do that.
#[must_use]
pub fn fail_syncs() -> bool {
    is_done(linux::fail_syncs())
}

/// Has `syncfs` fail with `EIO` on this thread and on those that it will start, while syncs of single files do what they
/// should. `false`, said aloud, where this machine cannot do that.
#[must_use]
pub fn fail_syncfs() -> bool {
    is_done(linux::fail_syncfs())
}

/// Ends the process, with `SIGSYS`, when this thread or one that it will start calls `fsync`. `false`, said aloud, where
/// this machine cannot do that.
#[must_use]
pub fn die_at_fsync() -> bool {
    is_done(linux::die_at_fsync())
}

fn is_done(refused: std::io::Result<()>) -> bool {
    if let Err(error) = &refused {
        eprintln!("skipped: this machine does not let system calls fail ({error})");
    }
    refused.is_ok()
}
