//! Waits for what the spec says, in its order: attempts with growing pauses between them,
//! until one succeeds, time is over, or castoff is asked to stop.

use std::ffi::OsString;
use std::time::Duration;

use super::attempt::attempt;
use super::perform::Stopped;
use super::vigil::{End, Vigil};
use crate::diagnostic::{Diagnostic, Place, Source};
use crate::duration;
use crate::exit::ExitCode;
use crate::plan::{Look, Wait};
use crate::sys::start::Inherited;

/// The pause after the first attempt; each later one is twice as long, up to the wait's own
/// limit.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What commands of the preparation are run with.
#[derive(Clone, Copy)]
pub struct Commands<'a> {
    /// Their environment: without secrets.
    pub environment: &'a [(OsString, OsString)],
    /// What castoff was started with.
    pub inherited: &'a Inherited,
    /// Texts that are not shown where a command prints them.
    pub secrets: &'a [String],
}

/// Why an attempt came to no answer.
pub(super) enum Failed {
    /// Patience has ended.
    End(End),
    /// No further attempt would help.
    Problem(Box<Diagnostic>),
}

impl From<End> for Failed {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

/// Waits until it is there.
///
/// # Errors
/// It didn't come in time; it can't come; castoff was asked to stop.
pub(super) fn wait_for(wait: &Wait, commands: &Commands<'_>) -> Result<(), Stopped> {
    let mut vigil = Vigil::new(wait);
    match try_until_ready(wait, &mut vigil, commands) {
        Ok(()) => {
            vigil.ended();
            Ok(())
        }
        Err(Failed::End(End::Interrupted(signal))) => Err(Stopped::Interrupted(signal)),
        Err(Failed::End(End::Over)) => Err(Stopped::Failed(Box::new(in_vain(wait, &vigil)))),
        Err(Failed::Problem(problem)) => Err(Stopped::Failed(problem)),
    }
}

/// Looks until it has seen what there is to see.
///
/// # Errors
/// It was not there in time; it can't come; castoff was asked to stop.
pub fn see(look: &Look, timeout: Duration, commands: &Commands<'_>) -> Result<(), Stopped> {
    // the spec, and with it the place, is not known any more
    let place = Place::new(&Source::new("", ""), 0..0);
    let Look { shown, hides, target, interval } = look.clone();
    let wait = Wait { shown, hides, target, place, message: None, timeout, interval };
    wait_for(&wait, commands)
}

fn try_until_ready(wait: &Wait, vigil: &mut Vigil<'_>, commands: &Commands<'_>) -> Result<(), Failed> {
    let mut pause = FIRST_PAUSE;
    loop {
        vigil.look()?;
        let Some(answer) = attempt(wait, vigil, commands)? else { return Ok(()) };
        vigil.failed(answer);
        vigil.pause(pause.min(wait.interval))?;
        pause = (pause * 2).min(wait.interval);
    }
}

fn in_vain(wait: &Wait, vigil: &Vigil<'_>) -> Diagnostic {
    let within = duration::format(wait.timeout);
    let mut problem =
        Diagnostic::error(ExitCode::TIMEOUT, format!("{} was not ready within {within}", wait.shown))
            .at(&wait.place, "waited for here");
    problem.notes.extend(wait.message.clone());
    let state = vigil.state();
    problem = match (vigil.failed, &vigil.last) {
        (0, _) | (_, None) => problem.note(format!("the first attempt did not end: {state}")),
        (1, Some(_)) => problem.note(format!("the one answer: {state}")),
        (count, Some(_)) => problem.note(format!("the last of {count} answers: {state}")),
    };
    let helps = vigil.last.iter().map(|answer| answer.help).chain(["`timeout` gives it longer"]);
    problem.helps.extend(helps.filter(|help| !help.is_empty()).map(str::to_owned));
    problem
}
