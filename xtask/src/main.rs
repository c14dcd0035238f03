//! The chores of the repository: `cargo xtask help` lists them.

mod fuzz;
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
    run: Run,
}

/// A chore with or without words behind its name.
enum Run {
    Plain(fn() -> ExitCode),
    With(fn(&[String]) -> ExitCode),
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        about: "run every check; stop at the first that fails",
        run: Run::Plain(test::run),
    },
    Command {
        name: "fuzz",
        about: "run the parsers on mutated inputs; see `cargo xtask fuzz --help`",
        run: Run::With(fuzz::run),
    },
    Command {
        name: "services",
        about: "find or fetch the servers that tests start",
        run: Run::Plain(services::run),
    },
    Command { name: "help", about: "show this", run: Run::Plain(help) },
];

fn main() -> ExitCode {
    if let Some(exit) = fuzz::compile_instead() {
        return exit;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, rest) = match arguments.as_slice() {
        [] => ("help", &[][..]),
        [flag, ..] if flag == "--help" || flag == "-h" => ("help", &[][..]),
        [name, rest @ ..] => (name.as_str(), rest),
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("no chore is called `{name}`; see `cargo xtask help`");
        return ExitCode::from(USAGE);
    };
    match command.run {
        Run::With(run) => run(rest),
        Run::Plain(run) if rest.is_empty() => run(),
        Run::Plain(_) => {
            eprintln!("`{name}` takes no arguments, got `{}`; see `cargo xtask help`", rest.join(" "));
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
