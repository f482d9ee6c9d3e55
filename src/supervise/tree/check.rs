//! The processes that look how services do, one for each at most; see [`look`](super::look).

use libc::pid_t;

use super::super::voice::{Level, Voice};
use super::look::{self, Looking};
use crate::plan::ServicePlan;
use crate::service::tree::Id;
use crate::signal::Signal;
use crate::sys::send::{Target, send};

/// By the place of the service.
#[derive(Debug)]
pub(super) struct Checks(Vec<Option<pid_t>>);

impl Checks {
    /// Nothing is looked at.
    pub(super) fn new(services: &[ServicePlan]) -> Self {
        Self(vec![None; services.len()])
    }

    /// Begins to look. `tells`: why it fails is said. `false` if that can't be, which is said.
    pub(super) fn begin(&mut self, id: Id, service: &ServicePlan, tells: bool, voice: Voice) -> bool {
        let (Some(check), Some(slot)) = (&service.check, self.0.get_mut(id.0)) else { return false };
        // that it waits, and how long it took, is nobody's business
        let quiet = Voice { level: Level::Error, ..voice };
        let looking = Looking { look: check.look.clone(), timeout: check.timeout, tells, voice: quiet };
        match look::begin(&looking, &service.program) {
            Ok(pid) => {
                *slot = Some(pid);
                true
            }
            Err(errno) => {
                let line = format!("can't look how {} does: {}", service.name, errno.desc());
                voice.say(Level::Warn, &line);
                false
            }
        }
    }

    /// Nothing more is to be found out for now.
    pub(super) fn forget(&mut self, id: Id) {
        if let Some(pid) = self.0.get_mut(id.0).and_then(Option::take) {
            // it is reaped as any other child
            let _ = send(Target::Group(pid), Signal::KILL);
        }
    }

    /// A child has ended: at which service it looked, if it did. It is forgotten then.
    pub(super) fn was(&mut self, pid: pid_t) -> Option<Id> {
        let at = self.0.iter().position(|process| *process == Some(pid))?;
        *self.0.get_mut(at)? = None;
        Some(Id(at))
    }
}
