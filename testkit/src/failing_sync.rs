//! A disk that does not say that data is on it.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::io;

    /// The offset of the system call's number in what a filter is shown, `struct seccomp_data`.
    const NUMBER_AT: u32 = 0;

    fn statement(code: u32, operand: u32) -> libc::sock_filter {
        libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: operand }
    }

    /// Goes on with the next statement when it is that call, and leaves that one out otherwise.
    fn is_call(number: libc::c_long) -> libc::sock_filter {
        let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        libc::sock_filter { code, jt: 0, jf: 1, k: u32::try_from(number).unwrap_or(u32::MAX) }
    }

    pub(super) fn fail_syncs() -> io::Result<()> {
        let answer = |answer: u32| statement(libc::BPF_RET | libc::BPF_K, answer);
        let error = libc::SECCOMP_RET_ERRNO | libc::EIO as u32;
        let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, NUMBER_AT)];
        for call in [libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_msync, libc::SYS_sync_file_range] {
            filter.extend([is_call(call), answer(error)]);
        }
        filter.push(answer(libc::SECCOMP_RET_ALLOW));
        let length = libc::c_ushort::try_from(filter.len()).unwrap_or(libc::c_ushort::MAX);
        let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
        // SAFETY: the call takes numbers only.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `program` points to `filter`, which lives until after the call and has as many statements as it says;
        // the kernel copies them and checks each.
        let set = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                libc::SECCOMP_FILTER_FLAG_TSYNC,
                &raw const program,
            )
        };
        if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// From now on, and on all threads, this process is told that data could not be brought to the disk: `fsync`, `fdatasync`,
/// `msync` and `sync_file_range` fail with `EIO`. It cannot be taken back, so it is for processes of their own. `false`,
/// said aloud, where this machine cannot do that.
#[must_use]
pub fn fail_syncs() -> bool {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    let failure = linux::fail_syncs().err().map(|error| error.to_string());
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let failure = Some("it is no Linux on x86-64 or ARM64".to_owned());
    if let Some(failure) = &failure {
        eprintln!("skipped: this machine does not let syncs fail ({failure})");
    }
    failure.is_none()
}
