//! What each question comes to: what is printed, what is waited for, and the exit code.
//!
//! Waiting is asking again: castoff answers at once, and keeps nothing for those who wait.

use std::time::Duration;

use super::exchange::exchange;
use super::wish::{StatusFormat, Wish};
use crate::console::{fail_quietly, print, tell};
use crate::diagnostic::Diagnostic;
use crate::duration;
use crate::exit::ExitCode;
use crate::log::Format;
use crate::plan::ControlWish;
use crate::report;
use crate::service::control::{Answer, Question, Service, Verb};
use crate::service::tree::Stage;
use crate::sys::clock::monotonic;
use crate::sys::poll;

/// How long castoff may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a health check, which has a time limit of its own in Docker.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);
/// The pauses between two questions: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// How it is to be asked, and told.
pub(crate) struct Manner<'a> {
    pub(crate) control: &'a ControlWish,
    pub(crate) status: StatusFormat,
    /// How long is waited for what was asked for.
    pub(crate) timeout: Duration,
    pub(crate) log: Format,
}

/// Asks, and tells what came of it.
#[cold]
#[inline(never)]
pub(crate) fn run(wish: &Wish, manner: &Manner<'_>) -> ExitCode {
    let done = match wish {
        Wish::Healthcheck => return healthcheck(manner.control),
        Wish::Verb(Verb::Status, name) => status(manner, name.clone()),
        Wish::Verb(Verb::Reload, None) => reload(manner),
        Wish::Verb(verb, name) => change(manner, *verb, name.clone().unwrap_or_default()),
    };
    done.unwrap_or_else(|problem| fail_quietly(&[problem], manner.log))
}

fn ask(manner: &Manner<'_>, verb: Verb, name: Option<String>) -> Result<Answer, Diagnostic> {
    exchange(manner.control, &Question { verb, name }, monotonic().saturating_add(PATIENCE))
}

fn status(manner: &Manner<'_>, name: Option<String>) -> Result<ExitCode, Diagnostic> {
    let answer = ask(manner, Verb::Status, name)?;
    Ok(print(&match manner.status {
        StatusFormat::Text => report::status_table(&answer),
        StatusFormat::Json => answer.line(),
        StatusFormat::Prometheus => report::metrics(&answer),
    }))
}

/// One line, whatever happens: Docker shows it. 1 is Docker's word for it, the others are
/// reserved.
fn healthcheck(control: &ControlWish) -> ExitCode {
    let question = Question { verb: Verb::Status, name: None };
    let troubles = match exchange(control, &question, monotonic().saturating_add(HEALTH_PATIENCE)) {
        Ok(answer) => answer.troubles(),
        Err(problem) => {
            vec![[problem.title].into_iter().chain(problem.notes).collect::<Vec<_>>().join("; ")]
        }
    };
    if troubles.is_empty() {
        return ExitCode::OK;
    }
    print(&format!("{}\n", troubles.join("; ")));
    ExitCode::UNHEALTHY
}

fn reload(manner: &Manner<'_>) -> Result<ExitCode, Diagnostic> {
    ask(manner, Verb::Reload, None)?;
    tell("castoff was told to reload; its log says what comes of it");
    Ok(ExitCode::OK)
}

fn change(manner: &Manner<'_>, verb: Verb, name: String) -> Result<ExitCode, Diagnostic> {
    let until = monotonic().saturating_add(manner.timeout);
    let before = one(ask(manner, Verb::Status, Some(name.clone()))?)?;
    let mut now = one(ask(manner, verb, Some(name.clone()))?)?;
    let mut pause = PAUSES.0;
    loop {
        match progress(verb, &before, &now) {
            Progress::Done(word) => {
                tell(&format!("{name} {word}"));
                return Ok(ExitCode::OK);
            }
            Progress::Failed(why) => {
                return Err(Diagnostic::error(ExitCode::STEP, format!("{name} {why}"))
                    .help(format!("castoff's log says more; castoff --status {name}")));
            }
            Progress::Not => {}
        }
        let left = until.saturating_sub(monotonic());
        if left.is_zero() {
            return Err(in_vain(manner.timeout, &now));
        }
        poll::readable(&[], Some(pause.min(left)));
        pause = (pause * 2).min(PAUSES.1);
        now = one(ask(manner, Verb::Status, Some(name.clone()))?)?;
    }
}

fn one(answer: Answer) -> Result<Service, Diagnostic> {
    let none = || Diagnostic::error(ExitCode::STEP, "castoff's answer names no service");
    answer.services.into_iter().next().ok_or_else(none)
}

fn in_vain(timeout: Duration, now: &Service) -> Diagnostic {
    let limit = duration::format(timeout);
    let title = format!("{} is still {} after {limit}", now.name, now.state.word());
    let problem = Diagnostic::error(ExitCode::TIMEOUT, title);
    let problem = match now.waits_for.as_slice() {
        [] => problem,
        names => problem.note(format!("it waits for {}", names.join(" and "))),
    };
    problem.note("what was asked for stays asked for").help("`--timeout` waits longer")
}

/// How far what was asked for has come.
#[derive(PartialEq, Eq, Debug)]
enum Progress {
    Done(&'static str),
    Failed(String),
    Not,
}

fn progress(verb: Verb, before: &Service, now: &Service) -> Progress {
    if verb == Verb::Stop {
        return match now.state {
            Stage::Down | Stage::Done | Stage::GivenUp => Progress::Done("is down"),
            _ => Progress::Not,
        };
    }
    // one that runs on is not the one that was asked for
    let is_new = verb != Verb::Restart || now.starts > before.starts;
    match (now.state, now.last_exit) {
        (Stage::Ready, _) if is_new => Progress::Done("is ready"),
        (Stage::Done, Some(0)) if is_new => Progress::Done("has ended well"),
        (Stage::Done | Stage::GivenUp | Stage::Waiting, code) if is_new => Progress::Failed(match code {
            Some(code) => format!("has ended with code {code}"),
            None => "has ended".to_owned(),
        }),
        (Stage::Down, _) if !now.wanted => Progress::Failed("was stopped meanwhile".to_owned()),
        _ => Progress::Not,
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, progress};
    use crate::service::control::{HealthWord, Service, Verb};
    use crate::service::tree::Stage;

    fn service(state: Stage, starts: u64, last_exit: Option<u8>) -> Service {
        Service {
            name: "web".to_owned(),
            state,
            pid: None,
            started: None,
            uptime: None,
            waits: None,
            waits_for: Vec::new(),
            starts,
            restarts: 0,
            last_exit,
            status: None,
            health: HealthWord::None,
            health_lasts: None,
            failed_checks: 0,
            essential: true,
            wanted: true,
        }
    }

    #[test]
    fn when_what_was_asked_for_is_so() {
        let failed = |why: &str| Progress::Failed(why.to_owned());
        let before = service(Stage::Ready, 2, None);
        for (verb, now, expected) in [
            (Verb::Start, service(Stage::Ready, 2, None), Progress::Done("is ready")),
            (Verb::Start, service(Stage::Starting, 3, None), Progress::Not),
            (Verb::Start, service(Stage::Down, 2, Some(1)), Progress::Not),
            (Verb::Start, service(Stage::Waiting, 3, Some(7)), failed("has ended with code 7")),
            (Verb::Start, service(Stage::Done, 3, Some(0)), Progress::Done("has ended well")),
            (Verb::Restart, service(Stage::Ready, 2, None), Progress::Not),
            (Verb::Restart, service(Stage::Stopping, 2, None), Progress::Not),
            (Verb::Restart, service(Stage::Ready, 3, Some(0)), Progress::Done("is ready")),
            (Verb::Restart, service(Stage::GivenUp, 3, Some(7)), failed("has ended with code 7")),
            (Verb::Reload, service(Stage::Ready, 2, None), Progress::Done("is ready")),
            (Verb::Stop, service(Stage::Stopping, 2, None), Progress::Not),
            (Verb::Stop, service(Stage::Clearing, 2, Some(0)), Progress::Not),
            (Verb::Stop, service(Stage::Down, 2, Some(9)), Progress::Done("is down")),
        ] {
            assert_eq!(progress(verb, &before, &now), expected, "{verb:?} {now:?}");
        }
        let stopped = Service { wanted: false, ..service(Stage::Down, 2, None) };
        assert_eq!(progress(Verb::Start, &before, &stopped), failed("was stopped meanwhile"));
    }
}
