//! The chores of the repository: `cargo xtask help` lists them.

mod services;
mod step;
mod test;

use std::env;
use std::process::ExitCode;

/// Exit code for a wrong command line, as shells have it.
const USAGE: u8 = 2;

/// One chore.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn() -> ExitCode,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", about: "run every check; stop at the first that fails", run: test::run },
    Command { name: "services", about: "find or fetch the servers that tests start", run: services::run },
    Command { name: "help", about: "show this", run: help },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let name = match arguments.as_slice() {
        [] => "help",
        [flag] if flag == "--help" || flag == "-h" => "help",
        [name] => name,
        [name, rest @ ..] => {
            eprintln!("`{name}` takes no arguments, got `{}`; see `cargo xtask help`", rest.join(" "));
            return ExitCode::from(USAGE);
        }
    };
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(),
        None => {
            eprintln!("no chore is called `{name}`; see `cargo xtask help`");
            ExitCode::from(USAGE)
        }
    }
}

fn help() -> ExitCode {
    println!("usage: cargo xtask <chore>\n");
    for command in COMMANDS {
        println!("  {:<10}{}", command.name, command.about);
    }
    ExitCode::SUCCESS
}
