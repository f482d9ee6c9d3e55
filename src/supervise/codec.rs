//! The bytes of a plan between castoff and its sealed self: every field in turn.
//!
//! Decoding takes any bytes: it never panics, and allocates no more than it was given.

use std::path::PathBuf;

use super::bytes::{Reader, Writer};
use super::voice::{Level, LineFormat, Voice};
use crate::capability::CapabilitySet;
use crate::exit::ExitCode;
use crate::plan::Running;
use crate::resource::{Limit, Resource};
use crate::service::{
    Credentials, Environment, InitOptions, Manner, ProcessAttributes, ProgramPlan, RunPlan, Scope,
    SignalPolicy, Subreaper,
};
use crate::sys::signals::SignalSet;
use crate::sys::start::Inherited;
use crate::sys::stdio::ClosedStdio;

/// What begins every handoff, with the version of this layout.
const MAGIC: [u8; 8] = *b"castoff\x05";

/// What a castoff hands over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Handoff {
    pub(super) plan: Running,
    pub(super) inherited: Inherited,
    pub(super) voice: Voice,
}

/// A handoff as bytes.
pub(super) fn encode(plan: &Running, inherited: &Inherited, voice: Voice) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    match plan {
        Running::One(plan) => {
            out.byte(0);
            out.one(plan);
        }
        Running::Tree(plan) => {
            out.byte(1);
            out.tree(plan);
        }
    }
    out.inherited(inherited);
    out.voice(voice);
    out.0
}

/// Reads a handoff. `None` for bytes that [`encode`] does not make.
pub(super) fn decode(bytes: &[u8]) -> Option<Handoff> {
    let mut input = Reader(bytes.strip_prefix(&MAGIC)?);
    let plan = match input.byte()? {
        0 => Running::One(Box::new(input.one()?)),
        1 => Running::Tree(input.tree()?),
        _ => return None,
    };
    let handoff = Handoff { plan, inherited: input.inherited()?, voice: input.voice()? };
    input.0.is_empty().then_some(handoff)
}

impl Writer {
    fn one(&mut self, plan: &RunPlan) {
        self.program(&plan.program);
        self.byte(match plan.manner {
            Manner::Exec => 0,
            Manner::Supervise => 1,
        });
        self.scope(plan.signals.scope);
        self.sequence(&plan.signals.rewrite, |out, (from, to)| {
            out.signal(*from);
            out.option(to.as_ref(), |out, to| out.signal(*to));
        });
        self.option(plan.signals.stop_timeout.as_ref(), |out, limit| out.duration(*limit));
        self.option(plan.signals.stop_delay.as_ref(), |out, delay| out.duration(*delay));
        self.byte(plan.signals.stop_is_success.into());
        self.duration(plan.grace);
        self.init(&plan.init);
    }

    pub(super) fn inherited(&mut self, inherited: &Inherited) {
        self.0.extend(inherited.mask.bits().to_le_bytes());
        self.byte(inherited.ignores_children.into());
        self.byte(inherited.closed_stdio.bits());
    }

    pub(super) fn voice(&mut self, voice: Voice) {
        let level = Level::ALL.iter().zip(0..).find(|(level, _)| **level == voice.level);
        self.byte(level.map_or(0, |(_, at)| at));
        self.byte(match voice.format {
            LineFormat::Text => 0,
            LineFormat::Json => 1,
        });
    }

    pub(super) fn scope(&mut self, scope: Scope) {
        self.byte(match scope {
            Scope::Main => 0,
            Scope::Group => 1,
            Scope::All => 2,
        });
    }

    pub(super) fn subreaper(&mut self, subreaper: Subreaper) {
        self.byte(match subreaper {
            Subreaper::Auto => 0,
            Subreaper::Always => 1,
            Subreaper::Never => 2,
        });
    }

    pub(super) fn codes(&mut self, codes: &[(ExitCode, ExitCode)]) {
        self.sequence(codes, |out, (from, to)| {
            out.code(*from);
            out.code(*to);
        });
    }

    pub(super) fn program(&mut self, program: &ProgramPlan) {
        self.sequence(&program.argv, |out, argument| out.text(argument));
        self.sequence(&program.environment.listed(), |out, (name, value)| {
            out.text(name);
            out.text(value);
        });
        self.option(program.credentials.as_ref(), |out, credentials| {
            out.number(credentials.uid);
            out.number(credentials.gid);
            out.sequence(&credentials.groups, |out, group| out.number(*group));
        });
        self.option(program.working_directory.as_ref(), |out, directory| out.text(directory));
        self.attributes(&program.attributes);
    }

    fn attributes(&mut self, attributes: &ProcessAttributes) {
        self.sequence(&attributes.groups, |out, group| out.number(*group));
        self.option(attributes.umask.as_ref(), |out, umask| out.number(*umask));
        self.option(attributes.nice.as_ref(), |out, nice| out.signed(*nice));
        self.option(attributes.oom_score_adj.as_ref(), |out, score| out.signed(*score));
        self.sequence(&attributes.limits, |out, limit| {
            out.byte(limit.resource.number());
            out.long(limit.soft);
            out.long(limit.hard);
        });
        self.option(attributes.bounding.as_ref(), |out, set| out.long(set.bits()));
        self.option(attributes.ambient.as_ref(), |out, set| out.long(set.bits()));
        self.byte(attributes.no_new_privs.into());
        self.sequence(&attributes.read_only_paths, |out, path| out.text(path.as_os_str()));
    }

    fn init(&mut self, init: &InitOptions) {
        self.subreaper(init.subreaper);
        self.byte(init.own_session.into());
        self.codes(&init.remap_exit);
        self.option(init.failure_code.as_ref(), |out, code| out.code(*code));
        self.byte(init.tell_reaped.into());
    }
}

impl Reader<'_> {
    fn one(&mut self) -> Option<RunPlan> {
        Some(RunPlan {
            program: self.program()?,
            manner: *[Manner::Exec, Manner::Supervise].get(self.index()?)?,
            signals: SignalPolicy {
                scope: self.scope()?,
                rewrite: self.sequence(|input| Some((input.signal()?, input.option(Reader::signal)?)))?,
                stop_timeout: self.option(Reader::duration)?,
                stop_delay: self.option(Reader::duration)?,
                stop_is_success: self.flag()?,
            },
            grace: self.duration()?,
            init: self.init()?,
        })
    }

    pub(super) fn inherited(&mut self) -> Option<Inherited> {
        Some(Inherited {
            mask: SignalSet::from_bits(self.long()?),
            ignores_children: self.flag()?,
            closed_stdio: ClosedStdio::from_bits(self.byte()?),
        })
    }

    pub(super) fn voice(&mut self) -> Option<Voice> {
        Some(Voice {
            level: *Level::ALL.get(self.index()?)?,
            format: *[LineFormat::Text, LineFormat::Json].get(self.index()?)?,
        })
    }

    pub(super) fn scope(&mut self) -> Option<Scope> {
        [Scope::Main, Scope::Group, Scope::All].get(self.index()?).copied()
    }

    pub(super) fn subreaper(&mut self) -> Option<Subreaper> {
        [Subreaper::Auto, Subreaper::Always, Subreaper::Never].get(self.index()?).copied()
    }

    pub(super) fn codes(&mut self) -> Option<Vec<(ExitCode, ExitCode)>> {
        self.sequence(|input| Some((input.code()?, input.code()?)))
    }

    pub(super) fn program(&mut self) -> Option<ProgramPlan> {
        Some(ProgramPlan {
            argv: self.sequence(Reader::text)?,
            environment: Environment::Listed(self.sequence(|input| Some((input.text()?, input.text()?)))?),
            credentials: self.option(|input| {
                let (uid, gid) = (input.number()?, input.number()?);
                Some(Credentials { uid, gid, groups: input.sequence(Reader::number)? })
            })?,
            working_directory: self.option(Reader::text)?,
            attributes: self.attributes()?,
        })
    }

    fn attributes(&mut self) -> Option<ProcessAttributes> {
        Some(ProcessAttributes {
            groups: self.sequence(Reader::number)?,
            umask: self.option(Reader::number)?,
            nice: self.option(Reader::signed)?,
            oom_score_adj: self.option(Reader::signed)?,
            limits: self.sequence(Reader::limit)?,
            bounding: self.option(Reader::capabilities)?,
            ambient: self.option(Reader::capabilities)?,
            no_new_privs: self.flag()?,
            read_only_paths: self.sequence(|input| input.text().map(PathBuf::from))?,
        })
    }

    fn limit(&mut self) -> Option<Limit> {
        let resource = Resource::new(self.byte()?)?;
        Some(Limit { resource, soft: self.long()?, hard: self.long()? })
    }

    fn capabilities(&mut self) -> Option<CapabilitySet> {
        self.long().map(CapabilitySet::from_bits)
    }

    fn init(&mut self) -> Option<InitOptions> {
        Some(InitOptions {
            subreaper: self.subreaper()?,
            own_session: self.flag()?,
            remap_exit: self.codes()?,
            failure_code: self.option(Reader::code)?,
            tell_reaped: self.flag()?,
        })
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
