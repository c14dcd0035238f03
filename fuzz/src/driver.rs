//! The entries that libFuzzer calls.

use std::sync::OnceLock;
use std::{env, mem, process, ptr};

use libfuzzer_sys::fuzz_target;
use wayfare_fuzz::Target;

/// Names the target, since libFuzzer takes the whole command line.
const VARIABLE: &str = "WAYFARE_FUZZ_TARGET";

/// Room for the handler that writes down the input which has overflown the stack.
const HANDLER_STACK_BYTES: usize = 1 << 20;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: begin(), |input: &[u8]| {
    if let Some(target) = TARGET.get() {
        target(input);
    }
});

/// Finds the target before the first input.
fn begin() {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    let Some(target) = wayfare_fuzz::find(&wanted) else {
        eprintln!("{VARIABLE} is `{wanted}`: there is {}", wayfare_fuzz::names().join(", "));
        process::exit(2);
    };
    TARGET.get_or_init(|| target);
    move_handler_off_the_stack();
}

/// Lets libFuzzer's handler of SIGSEGV run when the stack is full; else the process would end without a word, and the
/// input be lost. libFuzzer keeps the flag of whatever handler it finds, so that it is enough to set that.
fn move_handler_off_the_stack() {
    let room: &'static mut [u8] = Box::leak(vec![0; HANDLER_STACK_BYTES].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: room.as_mut_ptr().cast(), ss_flags: 0, ss_size: room.len() };
    // SAFETY: the memory is leaked, so it lives as long as the process, and nobody else has it. An action of zeroes
    // with the default handler and a flag is a whole one; both calls only read what they are given.
    let done = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        action.sa_flags = libc::SA_ONSTACK;
        libc::sigaltstack(&stack, ptr::null_mut()) == 0
            && libc::sigaction(libc::SIGSEGV, &action, ptr::null_mut()) == 0
    };
    if !done {
        eprintln!("inputs that overflow the stack will not be kept: the system gives no second stack");
    }
}
