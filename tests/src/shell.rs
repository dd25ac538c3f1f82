//! Reads a line of shell as documents use it: simple commands, and which of the project's own programs each one is.
//!
//! It knows enough shell for a document (words, quotes, pipes, `&&`, redirections) and nothing more; it runs nothing.

/// A command of the project that a document may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The coordinator with its arguments, however it is started.
    Coordinator(Vec<String>),
    /// `tests/run` or `.ci/run` with its arguments.
    Steps(Vec<String>),
    /// A `cargo` command other than one that runs the coordinator: its arguments.
    Cargo(Vec<String>),
}

/// The simple commands of a line, as words: prompts, variable assignments and redirections are left out.
///
/// Nothing comes back when the quotes don't close.
pub fn simple_commands(line: &str) -> Option<Vec<Vec<String>>> {
    let words = shlex::split(line.trim().strip_prefix("$ ").unwrap_or(line.trim()))?;
    let mut commands = vec![Vec::new()];
    let mut redirected = false;
    for word in words {
        if std::mem::take(&mut redirected) {
            if word.ends_with(';') {
                commands.push(Vec::new());
            }
            continue;
        }
        let current = commands.last_mut().expect("there is a command from the start");
        match word.as_str() {
            "|" | "||" | "&&" | "&" | ";" => commands.push(Vec::new()),
            ">" | ">>" | "<" | "2>" => redirected = true,
            _ if current.is_empty() && is_assignment(&word) => {}
            _ => match word.strip_suffix(';') {
                Some(word) => {
                    current.push(word.to_owned());
                    commands.push(Vec::new());
                }
                None => current.push(word),
            },
        }
    }
    commands.retain(|command| !command.is_empty());
    Some(commands)
}

/// Which of the project's programs a simple command starts; none when it is another's.
pub fn program(command: &[String]) -> Option<Program> {
    let (name, args) = command.split_first()?;
    match name.trim_start_matches("./") {
        "coordinator" | "target/release/coordinator" | "target/debug/coordinator" => {
            Some(Program::Coordinator(args.to_vec()))
        }
        "tests/run" | ".ci/run" => Some(Program::Steps(args.to_vec())),
        "cargo" => Some(cargo(args)),
        _ => None,
    }
}

/// The line with every way to start the coordinator replaced by its bare name, as it stands on a `PATH`.
///
/// Nothing comes back when no command of the line starts the coordinator.
pub fn with_bare_coordinator(line: &str) -> Option<String> {
    let commands = simple_commands(line)?;
    if !commands
        .iter()
        .any(|command| matches!(program(command), Some(Program::Coordinator(_))))
    {
        return None;
    }
    let mut line = line.trim().strip_prefix("$ ").unwrap_or(line.trim()).to_owned();
    while let Some(start) = line.find("cargo run ") {
        let rest = &line[start..];
        let end = rest.find(" -- ").map_or(rest.len(), |at| at + " --".len());
        line.replace_range(start..start + end, "coordinator");
    }
    for path in ["./target/release/coordinator", "target/release/coordinator"] {
        line = line.replace(path, "coordinator");
    }
    Some(line)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// `cargo run` is the coordinator unless it names another program.
fn cargo(args: &[String]) -> Program {
    let other = || Program::Cargo(args.to_vec());
    if args.first().is_none_or(|verb| verb != "run") {
        return other();
    }
    let at = args.iter().position(|word| word == "--").unwrap_or(args.len());
    let (options, program_args) = args.split_at(at);
    let bin = options
        .iter()
        .position(|word| word == "--bin")
        .and_then(|at| options.get(at + 1));
    if bin.is_some_and(|bin| bin != "coordinator") {
        return other();
    }
    Program::Coordinator(program_args.get(1..).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_splits_into_simple_commands() {
        let found = simple_commands("$ A_1=2 one 'two three' > out; four | five && six").unwrap();
        let expect = vec![
            vec!["one".to_owned(), "two three".to_owned()],
            words("four"),
            words("five"),
            words("six"),
        ];
        assert_eq!(found, expect, "a redirection's target may carry the separator");
        assert_eq!(simple_commands("echo 'open"), None);
    }

    #[test]
    fn programs_are_known_however_they_are_started() {
        let check = |command: &str, expect: Option<Program>| assert_eq!(program(&words(command)), expect, "{command}");
        let scan = Program::Coordinator(words("submit scan"));
        check("coordinator submit scan", Some(scan.clone()));
        check("./target/release/coordinator submit scan", Some(scan.clone()));
        check(
            "cargo run --release --bin coordinator -- submit scan",
            Some(scan.clone()),
        );
        check("cargo run -- submit scan", Some(scan));
        check(
            "cargo run --bin other -- x",
            Some(Program::Cargo(words("run --bin other -- x"))),
        );
        check("cargo test", Some(Program::Cargo(words("test"))));
        check("tests/run fmt", Some(Program::Steps(words("fmt"))));
        check("ls", None);
    }

    #[test]
    fn every_way_to_start_becomes_the_bare_name() {
        let check = |line: &str, expect: Option<&str>| assert_eq!(with_bare_coordinator(line).as_deref(), expect);
        check(
            "$ cargo run --release --bin coordinator -- submit scan | head",
            Some("coordinator submit scan | head"),
        );
        check("./target/release/coordinator --version", Some("coordinator --version"));
        check(
            "cat x && target/release/coordinator get r",
            Some("cat x && coordinator get r"),
        );
        check("cargo test", None);
    }
}
