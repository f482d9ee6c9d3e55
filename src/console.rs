//! What castoff says by itself, on stderr and stdout. A stream that is closed is nobody's
//! failure: there is nobody to tell then.

use std::io::{IsTerminal, Write};

use crate::diagnostic::{Diagnostic, exit_code};
use crate::exit::ExitCode;
use crate::log::Format;
use crate::report;

/// Where Kubernetes reads why a container ended.
const TERMINATION_LOG: &str = "/dev/termination-log";
/// What Kubernetes takes of it, in bytes.
const TERMINATION_LOG_LIMIT: usize = 4096;
pub(crate) fn shown(diagnostics: &[Diagnostic], format: Format) -> String {
    match format {
        Format::Json => report::as_json(diagnostics),
        Format::Text => {
            let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            report::as_text(diagnostics, color)
        }
    }
}

#[cold]
#[inline(never)]
pub(crate) fn fail(problems: &[Diagnostic], format: Format) -> ExitCode {
    tell(&shown(problems, format));
    write_termination_log(&report::as_text(problems, false));
    exit_code(problems)
}

/// The same where no container ends: in one that runs.
pub(crate) fn fail_quietly(problems: &[Diagnostic], format: Format) -> ExitCode {
    tell(&shown(problems, format));
    exit_code(problems)
}

/// Kubernetes shows the end of this file when a container failed. Where it is missing, or
/// can't be written, nothing is lost: stderr has the same.
fn write_termination_log(text: &str) {
    let mut start = text.len().saturating_sub(TERMINATION_LOG_LIMIT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(TERMINATION_LOG) {
        let _ = file.write_all(text.get(start..).unwrap_or_default().as_bytes());
    }
}

/// stderr may be closed: there is nobody to tell then.
pub(crate) fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stderr.write_all(b"\n");
    }
}

/// An answer on stdout. A reader that has gone away is no failure; a full disk is one.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::IO,
        _ => ExitCode::OK,
    }
}
