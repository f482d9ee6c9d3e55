//! Runs the validators of a plan, each on a private copy of its file, before anything is
//! written. The same in every mode, so that `--check` tells what a start would meet.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::perform::Stopped;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::plan::Validation;
use crate::sys::command::{Outcome, Output, run_command};
use crate::sys::environment::Variables;
use crate::sys::private_directory::PrivateDirectory;
use crate::sys::reap::Ending;
use crate::sys::spawn::Program;
use crate::sys::start::Inherited;

/// So many characters of a secret tell something.
const TELLING: usize = 4;

/// What validators are run with.
pub struct Validators<'a> {
    /// Their environment: without secrets.
    pub environment: &'a [(OsString, OsString)],
    /// What castoff was started with.
    pub inherited: &'a Inherited,
    /// Texts that their output must not show.
    pub secrets: &'a [String],
    /// Where private copies may lie, the preferred place first.
    pub places: &'a [PathBuf],
}

/// Runs all validators; every failure is reported.
///
/// # Errors
/// castoff was asked to stop, or no private copy can be made.
pub fn validate<'a>(
    validations: impl Iterator<Item = &'a Validation>,
    validators: &Validators<'_>,
) -> Result<Vec<Diagnostic>, Stopped> {
    let mut problems = Vec::new();
    for validation in validations {
        problems.extend(run(validation, validators)?);
    }
    Ok(problems)
}

fn run(validation: &Validation, validators: &Validators<'_>) -> Result<Option<Diagnostic>, Stopped> {
    let private = PrivateDirectory::create(validators.places).map_err(|error| {
        let problem = Diagnostic::error(ExitCode::CANT_CREATE, error.to_string())
            .at(&validation.place, "the file is checked there before it takes its place")
            .help("mount a tmpfs on /tmp or /run");
        Stopped::Failed(Box::new(problem))
    })?;
    let dest = validation.dest.display().to_string();
    let name = validation.dest.file_name().unwrap_or(OsStr::new("file"));
    let copy = private.write(name, &validation.content.0)?;
    let argv: Vec<OsString> =
        validation.command.iter().map(|word| with_file(word, copy.as_os_str())).collect();
    let program =
        Program { argv: &argv, environment: Variables::Listed(validators.environment), ..Program::default() };
    match run_command(&program, validators.inherited) {
        Outcome::Ended(Ending::Exited(0), _) => Ok(None),
        Outcome::Ended(ending, output) => {
            let said = shown_output(&output, validators.secrets, &validation.secrets.0);
            Ok(Some(refused(validation, ending, &said.replace(&copy.display().to_string(), &dest))))
        }
        // the image's author named a program that the image can't run: 126 and 127 are the
        // service's
        Outcome::CannotStart(problem) => {
            let problem = problem.at(&validation.place, "this command");
            Ok(Some(Diagnostic { exit: ExitCode::SPEC, ..problem }))
        }
        Outcome::Interrupted(signal) => Err(Stopped::Interrupted(signal)),
    }
}

/// `{file}` is replaced wherever it stands in a word.
fn with_file(word: &str, file: &OsStr) -> OsString {
    let mut parts = word.split("{file}");
    let mut result = OsString::from(parts.next().unwrap_or_default());
    for part in parts {
        result.push(file);
        result.push(part);
    }
    result
}

fn refused(validation: &Validation, ending: Ending, said: &str) -> Diagnostic {
    let how = match ending {
        Ending::Exited(status) => format!("status {status}"),
        Ending::Killed(signal) => signal.to_string(),
    };
    let problem =
        Diagnostic::environment(format!("{} was refused by its validator", validation.dest.display()))
            .at(&validation.place, format!("this command ended with {how}"));
    if said.trim().is_empty() { problem } else { problem.note(format!("it said: {}", said.trim())) }
}

/// What a command said, without each line that shows how a secret begins: parsers quote
/// the file, and cut what they quote.
pub(super) fn shown_output(output: &Output, secrets: &[String], written: &[String]) -> String {
    let text = String::from_utf8_lossy(&output.bytes);
    let lines_of_secrets = secrets.iter().chain(written).flat_map(|secret| secret.lines());
    let beginnings: Vec<String> = lines_of_secrets
        .map(|line| line.trim_start_matches(['\'', '"']).chars().take(TELLING).collect::<String>())
        .filter(|beginning| !beginning.is_empty())
        .collect();
    let lines = text.lines().map(|line| {
        let tells = beginnings.iter().any(|beginning| line.contains(beginning));
        if tells { "[hidden: it may hold a secret]" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{shown_output, with_file};
    use crate::sys::command::Output;
    use std::ffi::OsStr;

    #[test]
    fn the_file_takes_its_place_in_a_word() {
        for (word, expected) in
            [("{file}", "/t"), ("-c{file}", "-c/t"), ("x", "x"), ("{file}:{file}", "/t:/t")]
        {
            assert_eq!(with_file(word, OsStr::new("/t")), expected, "{word}");
        }
    }

    #[test]
    fn lines_that_show_how_a_secret_begins_are_hidden() {
        let output =
            Output { bytes: b"line 1\nnear 'hunt...'\nnear 'a\\'b'\nend".to_vec(), truncated: false };
        let shown = shown_output(&output, &["hunter2".to_owned()], &["'a\\'b'".to_owned()]);
        let hidden = "[hidden: it may hold a secret]";
        assert_eq!(shown, format!("line 1\n{hidden}\n{hidden}\nend"));
    }
}
