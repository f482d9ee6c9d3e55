//! Sealing: castoff hands the plan to a fresh copy of itself, in a sealed memfd, and what
//! stays as PID 1 has neither the memory nor the environment of the preparation.
//!
//! All signals stay blocked across the exec, and pending ones survive it (execve(2)), so
//! none is lost in between.

use std::ffi::{CString, OsString};

use nix::errno::Errno;

use super::codec::{self, Handoff};
use super::run;
use super::voice::{Level, Voice};
use crate::exit::ExitCode;
use crate::plan::{Running, TreePlan};
use crate::sys::start::Inherited;
use crate::sys::{itself, memfd};

/// The argument by which a castoff knows that it was started by castoff.
const ARGUMENT: &str = "--sealed=";

/// Becomes a fresh castoff that supervises `plan`. Returns only if that can't be: no memfd,
/// or no /proc to find castoff's own file by.
#[cold]
#[inline(never)]
pub(super) fn start_afresh(plan: &Running, inherited: &Inherited, voice: Voice) -> Errno {
    let handed = codec::encode(plan, inherited, voice);
    if let Running::Tree(TreePlan { start: Some(fd), .. }) = plan {
        memfd::hand_over_number(*fd);
    }
    let made = memfd::sealed(&handed).and_then(|file| Ok((memfd::hand_over(&file)?, file)));
    match made {
        Err(errno) => errno,
        Ok((fd, _file)) => match CString::new(format!("{ARGUMENT}{fd}")) {
            Ok(argument) => memfd::execute_own_image([c"castoff", argument.as_c_str()]),
            Err(_) => Errno::EINVAL,
        },
    }
}

/// Where castoff was started by itself: takes the plan over and supervises. `None` if it
/// was not. To be called before anything else has been done with `arguments`.
#[must_use]
pub fn sealed_entry(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, argument] = arguments else { return None };
    let fd = argument.to_str()?.strip_prefix(ARGUMENT)?;
    Some(take_over(fd))
}

#[inline(never)]
fn take_over(fd: &str) -> ExitCode {
    let received = fd.parse().map_err(|_| Errno::EBADF).and_then(memfd::receive);
    if let Err(errno) = received
        && !matches!(errno, Errno::EBADF | Errno::EINVAL | Errno::EPERM)
    {
        let reason = format!("can't read the prepared run from `/proc/self/fd/{fd}`: {}", errno.desc());
        Voice::default().say(Level::Error, &reason);
        return ExitCode::IO;
    }
    // the bytes, which hold what the plan does, are gone before it is supervised
    let handoff = received.ok().and_then(|bytes| codec::decode(&bytes));
    match handoff {
        Some(Handoff { plan, inherited, voice }) => {
            itself::name_process();
            run::supervise(plan, &inherited, voice)
        }
        None => {
            Voice::default()
                .say(Level::Error, "`--sealed` is what castoff calls itself with; it is no option");
            ExitCode::USAGE
        }
    }
}
