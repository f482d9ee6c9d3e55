//! The bytes of a plan between castoff and its sealed self: every field in turn, numbers in
//! little-endian order, everything of variable length behind its length.
//!
//! Decoding takes any bytes: it never panics, and allocates no more than it was given.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use super::voice::{Level, LineFormat, Voice};
use crate::exit::ExitCode;
use crate::service::{Credentials, InitOptions, Manner, RunPlan, Scope, SignalPolicy, Subreaper};
use crate::signal::Signal;
use crate::sys::signals::SignalSet;
use crate::sys::start::Inherited;
use crate::sys::stdio::ClosedStdio;

/// What begins every handoff, with the version of this layout.
const MAGIC: [u8; 8] = *b"castoff\x02";

/// What a castoff hands over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Handoff {
    pub(super) plan: RunPlan,
    pub(super) inherited: Inherited,
    pub(super) voice: Voice,
}

/// A handoff as bytes.
pub(super) fn encode(plan: &RunPlan, inherited: &Inherited, voice: Voice) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    out.sequence(&plan.argv, |out, argument| out.text(argument));
    out.sequence(&plan.environment, |out, (name, value)| {
        out.text(name);
        out.text(value);
    });
    out.option(plan.credentials.as_ref(), |out, credentials| {
        out.number(credentials.uid);
        out.number(credentials.gid);
        out.sequence(&credentials.groups, |out, group| out.number(*group));
    });
    out.option(plan.working_directory.as_ref(), |out, directory| out.text(directory));
    out.byte(match plan.manner {
        Manner::Exec => 0,
        Manner::Supervise => 1,
    });
    out.byte(match plan.signals.scope {
        Scope::Main => 0,
        Scope::Group => 1,
        Scope::All => 2,
    });
    out.sequence(&plan.signals.rewrite, |out, (from, to)| {
        out.signal(*from);
        out.option(to.as_ref(), |out, to| out.signal(*to));
    });
    out.option(plan.signals.stop_timeout.as_ref(), |out, limit| out.duration(*limit));
    out.option(plan.signals.stop_delay.as_ref(), |out, delay| out.duration(*delay));
    out.byte(plan.signals.stop_is_success.into());
    out.duration(plan.grace);
    out.init(&plan.init);
    out.0.extend(inherited.mask.bits().to_le_bytes());
    out.byte(inherited.ignores_children.into());
    out.byte(inherited.closed_stdio.bits());
    out.byte(Level::ALL.iter().zip(0..).find(|(level, _)| **level == voice.level).map_or(0, |(_, at)| at));
    out.byte(match voice.format {
        LineFormat::Text => 0,
        LineFormat::Json => 1,
    });
    out.0
}

/// Reads a handoff. `None` for bytes that [`encode`] does not make.
pub(super) fn decode(bytes: &[u8]) -> Option<Handoff> {
    let mut input = Reader(bytes.strip_prefix(&MAGIC)?);
    let handoff = Handoff {
        plan: RunPlan {
            argv: input.sequence(Reader::text)?,
            environment: input.sequence(|input| Some((input.text()?, input.text()?)))?,
            credentials: input.option(|input| {
                let (uid, gid) = (input.number()?, input.number()?);
                Some(Credentials { uid, gid, groups: input.sequence(Reader::number)? })
            })?,
            working_directory: input.option(Reader::text)?,
            manner: *[Manner::Exec, Manner::Supervise].get(input.index()?)?,
            signals: SignalPolicy {
                scope: *[Scope::Main, Scope::Group, Scope::All].get(input.index()?)?,
                rewrite: input.sequence(|input| Some((input.signal()?, input.option(Reader::signal)?)))?,
                stop_timeout: input.option(Reader::duration)?,
                stop_delay: input.option(Reader::duration)?,
                stop_is_success: input.flag()?,
            },
            grace: input.duration()?,
            init: input.init()?,
        },
        inherited: Inherited {
            mask: SignalSet::from_bits(input.long()?),
            ignores_children: input.flag()?,
            closed_stdio: ClosedStdio::from_bits(input.byte()?),
        },
        voice: Voice {
            level: *Level::ALL.get(input.index()?)?,
            format: *[LineFormat::Text, LineFormat::Json].get(input.index()?)?,
        },
    };
    input.0.is_empty().then_some(handoff)
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    /// Lengths beyond 32 bits can't be executed either (execve(2)).
    fn length(&mut self, length: usize) {
        self.number(u32::try_from(length).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &OsString) {
        let bytes: &OsStr = text;
        self.length(bytes.len());
        self.0.extend(bytes.as_bytes());
    }

    fn signal(&mut self, signal: Signal) {
        self.byte(u8::try_from(signal.number()).unwrap_or(0));
    }

    fn duration(&mut self, duration: Duration) {
        self.0.extend(duration.as_secs().to_le_bytes());
        self.number(duration.subsec_nanos());
    }

    fn option<T>(&mut self, value: Option<&T>, some: impl FnOnce(&mut Self, &T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            some(self, value);
        }
    }

    fn code(&mut self, code: ExitCode) {
        self.byte(code.0);
    }

    fn init(&mut self, init: &InitOptions) {
        self.byte(match init.subreaper {
            Subreaper::Auto => 0,
            Subreaper::Always => 1,
            Subreaper::Never => 2,
        });
        self.byte(init.own_session.into());
        self.sequence(&init.remap_exit, |out, (from, to)| {
            out.code(*from);
            out.code(*to);
        });
        self.option(init.failure_code.as_ref(), |out, code| out.code(*code));
        self.byte(init.tell_reaped.into());
    }

    fn sequence<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.length(items.len());
        for item in items {
            each(self, item);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn index(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn text(&mut self) -> Option<OsString> {
        let length = self.length()?;
        self.take(length).map(|bytes| OsString::from_vec(bytes.to_vec()))
    }

    fn signal(&mut self) -> Option<Signal> {
        Signal::new(self.byte()?.into())
    }

    fn duration(&mut self) -> Option<Duration> {
        let (seconds, nanoseconds) = (self.long()?, self.number()?);
        (nanoseconds < 1_000_000_000).then(|| Duration::new(seconds, nanoseconds))
    }

    fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { some(self).map(Some) } else { Some(None) }
    }

    fn code(&mut self) -> Option<ExitCode> {
        self.byte().map(ExitCode)
    }

    fn init(&mut self) -> Option<InitOptions> {
        Some(InitOptions {
            subreaper: *[Subreaper::Auto, Subreaper::Always, Subreaper::Never].get(self.index()?)?,
            own_session: self.flag()?,
            remap_exit: self.sequence(|input| Some((input.code()?, input.code()?)))?,
            failure_code: self.option(Reader::code)?,
            tell_reaped: self.flag()?,
        })
    }

    /// Ends at the first item that is not there, so a false length costs nothing.
    fn sequence<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(each(self)?);
        }
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::{Handoff, MAGIC, decode, encode};
    use crate::exit::ExitCode;
    use crate::service::{Credentials, InitOptions, Manner, RunPlan, Scope, SignalPolicy, Subreaper};
    use crate::signal::Signal;
    use crate::supervise::voice::{Level, LineFormat, Voice};
    use crate::sys::signals::SignalSet;
    use crate::sys::start::Inherited;
    use crate::sys::stdio::ClosedStdio;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::time::Duration;

    fn text() -> impl Strategy<Value = OsString> {
        vec(any::<u8>(), 0..40).prop_map(OsString::from_vec)
    }

    fn duration() -> impl Strategy<Value = Duration> {
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
    }

    fn signal() -> impl Strategy<Value = Signal> {
        (1..=64).prop_map(|number| Signal::new(number).unwrap())
    }

    fn init() -> impl Strategy<Value = InitOptions> {
        let code = || any::<u8>().prop_map(ExitCode);
        let subreaper = select(vec![Subreaper::Auto, Subreaper::Always, Subreaper::Never]);
        (subreaper, any::<bool>(), vec((code(), code()), 0..4), option::of(code()), any::<bool>()).prop_map(
            |(subreaper, own_session, remap_exit, failure_code, tell_reaped)| InitOptions {
                subreaper,
                own_session,
                remap_exit,
                failure_code,
                tell_reaped,
            },
        )
    }

    fn plan() -> impl Strategy<Value = RunPlan> {
        let credentials = (any::<u32>(), any::<u32>(), vec(any::<u32>(), 0..5))
            .prop_map(|(uid, gid, groups)| Credentials { uid, gid, groups });
        let policy =
            (
                select(vec![Scope::Main, Scope::Group, Scope::All]),
                vec((signal(), option::of(signal())), 0..4),
                option::of(duration()),
                option::of(duration()),
                any::<bool>(),
            )
                .prop_map(|(scope, rewrite, stop_timeout, stop_delay, stop_is_success)| {
                    SignalPolicy { scope, rewrite, stop_timeout, stop_delay, stop_is_success }
                });
        (
            vec(text(), 0..5),
            vec((text(), text()), 0..5),
            option::of(credentials),
            option::of(text()),
            select(vec![Manner::Exec, Manner::Supervise]),
            policy,
            duration(),
            init(),
        )
            .prop_map(
                |(argv, environment, credentials, working_directory, manner, signals, grace, init)| RunPlan {
                    argv,
                    environment,
                    credentials,
                    working_directory,
                    manner,
                    signals,
                    grace,
                    init,
                },
            )
    }

    fn handoff() -> impl Strategy<Value = Handoff> {
        let inherited =
            (any::<u64>(), any::<bool>(), 0..8_u8).prop_map(|(mask, ignores_children, closed)| Inherited {
                mask: SignalSet::from_bits(mask),
                ignores_children,
                closed_stdio: ClosedStdio::from_bits(closed),
            });
        let voice = (select(&Level::ALL[..]), select(vec![LineFormat::Text, LineFormat::Json]))
            .prop_map(|(level, format)| Voice { level, format });
        (plan(), inherited, voice).prop_map(|(plan, inherited, voice)| Handoff { plan, inherited, voice })
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(handoff in handoff()) {
            let bytes = encode(&handoff.plan, &handoff.inherited, handoff.voice);
            prop_assert_eq!(decode(&bytes), Some(handoff));
        }

        #[test]
        fn any_bytes_are_taken_calmly(magic: bool, tail in vec(any::<u8>(), 0..400)) {
            let mut bytes = if magic { MAGIC.to_vec() } else { Vec::new() };
            bytes.extend(tail);
            let _ = decode(&bytes);
        }

        #[test]
        fn a_cut_or_lengthened_handoff_is_refused(handoff in handoff(), cut: usize, more: u8) {
            let mut bytes = encode(&handoff.plan, &handoff.inherited, handoff.voice);
            prop_assert_eq!(decode(&bytes[..cut % bytes.len()]), None);
            bytes.push(more);
            prop_assert_eq!(decode(&bytes), None);
        }

        #[test]
        fn a_changed_byte_does_not_panic(handoff in handoff(), at: usize, byte: u8) {
            let mut bytes = encode(&handoff.plan, &handoff.inherited, handoff.voice);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = decode(&bytes);
        }
    }
}
