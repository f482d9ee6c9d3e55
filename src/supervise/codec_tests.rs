use super::{Handoff, MAGIC, decode, encode};
use crate::capability::CapabilitySet;
use crate::exit::ExitCode;
use crate::plan::{
    CheckPlan, ControlWish, CronPlan, Endpoint, Look, Running, ServicePlan, Sign, Target, TreePlan,
};
use crate::protocol::Conversation;
use crate::resource::{Limit, Resource};
use crate::restart_limit::RestartLimit;
use crate::schedule::{Missed, Overlap, ZoneData};
use crate::service::log::Form;
use crate::service::tree::{CheckRule, GiveUp, Id, Readiness, Restart, Rules, StopRule};
use crate::service::{
    BackoffPolicy, Credentials, Environment, InitOptions, Manner, ProcessAttributes, ProgramPlan, RunPlan,
    Scope, SignalPolicy, Subreaper,
};
use crate::signal::Signal;
use crate::supervise::voice::{Level, LineFormat, Voice};
use crate::sys::file_version::FileVersion;
use crate::sys::signals::SignalSet;
use crate::sys::start::Inherited;
use crate::sys::stdio::ClosedStdio;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
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

fn attributes() -> impl Strategy<Value = ProcessAttributes> {
    let capabilities = || option::of(any::<u64>().prop_map(CapabilitySet::from_bits));
    let limit = (0..16_u8, any::<u64>(), any::<u64>()).prop_map(|(number, soft, hard)| Limit {
        resource: Resource::new(number).unwrap(),
        soft,
        hard,
    });
    let numbers = (option::of(any::<u32>()), option::of(any::<i32>()), option::of(any::<i32>()));
    let sets = (capabilities(), capabilities(), any::<bool>());
    let lists = (vec(any::<u32>(), 0..3), vec(limit, 0..3), vec(text(), 0..3));
    (numbers, sets, lists).prop_map(
        |((umask, nice, oom_score_adj), (bounding, ambient, no_new_privs), (groups, limits, paths))| {
            let read_only_paths = paths.into_iter().map(PathBuf::from).collect();
            ProcessAttributes {
                groups,
                umask,
                nice,
                oom_score_adj,
                limits,
                bounding,
                ambient,
                no_new_privs,
                read_only_paths,
            }
        },
    )
}

fn program() -> impl Strategy<Value = ProgramPlan> {
    let credentials = (any::<u32>(), any::<u32>(), vec(any::<u32>(), 0..5))
        .prop_map(|(uid, gid, groups)| Credentials { uid, gid, groups });
    (
        vec(text(), 0..5),
        vec((text(), text()), 0..5),
        option::of(credentials),
        option::of(text()),
        attributes(),
    )
        .prop_map(|(argv, environment, credentials, working_directory, attributes)| ProgramPlan {
            argv,
            environment: Environment::Listed(environment),
            credentials,
            working_directory,
            attributes,
        })
}

fn plan() -> impl Strategy<Value = RunPlan> {
    let policy = (
        select(vec![Scope::Main, Scope::Group, Scope::All]),
        vec((signal(), option::of(signal())), 0..4),
        option::of(duration()),
        option::of(duration()),
        any::<bool>(),
    )
        .prop_map(|(scope, rewrite, stop_timeout, stop_delay, stop_is_success)| SignalPolicy {
            scope,
            rewrite,
            stop_timeout,
            stop_delay,
            stop_is_success,
        });
    (program(), select(vec![Manner::Exec, Manner::Supervise]), policy, duration(), init())
        .prop_map(|(program, manner, signals, grace, init)| RunPlan { program, manner, signals, grace, init })
}

fn rules() -> impl Strategy<Value = Rules> {
    let ids = || vec((0..2_usize).prop_map(Id), 0..3);
    let limit = (1..50_u16, duration()).prop_map(|(count, window)| RestartLimit { count, window });
    let backoff = (duration(), duration(), duration(), option::of(limit))
        .prop_map(|(first, max, stable_after, limit)| BackoffPolicy { first, max, stable_after, limit });
    let readiness = prop_oneof![
        Just(Readiness::AtOnce),
        duration().prop_map(Readiness::After),
        option::of(duration()).prop_map(Readiness::Told),
    ];
    let stop = (signal(), select(vec![Scope::Main, Scope::Group]), option::of(duration()), any::<bool>())
        .prop_map(|(signal, scope, timeout, is_success)| StopRule { signal, scope, timeout, is_success });
    let ends = (
        select(vec![Restart::No, Restart::OnFailure, Restart::Always]),
        select(vec![GiveUp::End, GiveUp::Ignore]),
        any::<bool>(),
        vec(any::<u8>().prop_map(ExitCode), 0..3),
    );
    let check = || (duration(), any::<u32>()).prop_map(|(interval, retries)| CheckRule { interval, retries });
    let signals = (option::of(signal()), vec(signal(), 0..3), option::of(check()));
    (ids(), ids(), ends, backoff, readiness, option::of(duration()), stop, signals).prop_map(
        |(after, requires, ends, backoff, readiness, watchdog, stop, (reload, forwards, check))| {
            let (restart, gives_up, essential, success) = ends;
            Rules {
                after,
                requires,
                essential,
                restart,
                backoff,
                gives_up,
                readiness,
                watchdog,
                check,
                stop,
                reload,
                forwards,
                success,
            }
        },
    )
}

fn look() -> impl Strategy<Value = Look> {
    let target = prop_oneof![
        (".{0,9}", any::<u16>()).prop_map(|(host, port)| Target::Server(Endpoint::Host(host, port), None)),
        text().prop_map(|path| Target::Server(
            Endpoint::Socket(path.into()),
            Some(Conversation::http("h", "/", 200..=299))
        )),
        text().prop_map(|path| Target::File(path.into())),
        vec(text(), 0..3).prop_map(Target::Command),
    ];
    (".{0,9}", any::<bool>(), target, duration()).prop_map(|(shown, hides, target, interval)| Look {
        shown,
        hides,
        target,
        interval,
    })
}

fn sign() -> impl Strategy<Value = Sign> {
    let descriptor = any::<i32>().prop_map(Sign::Descriptor);
    prop_oneof![Just(Sign::Notify), descriptor, look().prop_map(Sign::Seen)]
}

fn cron() -> impl Strategy<Value = CronPlan> {
    let zone = prop_oneof![
        Just(ZoneData::Utc),
        vec(any::<u8>(), 0..99).prop_map(ZoneData::File),
        ".{0,9}".prop_map(ZoneData::Rule),
    ];
    let expression = select(vec!["*/5 * * * *", "@daily", "@every 90s", "0 3 1-7 * mon"]);
    let terms = (
        select(vec![Overlap::Skip, Overlap::Allow]),
        select(vec![Missed::Skip, Missed::RunOnce]),
        select(vec![Form::Pass, Form::Prefix, Form::Json]),
    );
    (".{0,9}", program(), expression, zone, terms, option::of(duration()), duration()).prop_map(
        |(name, program, expression, zone, (overlap, missed, log), timeout, jitter)| {
            let expression = expression.to_owned();
            CronPlan { name, program, expression, zone, overlap, missed, timeout, jitter, log }
        },
    )
}

fn tree() -> impl Strategy<Value = TreePlan> {
    let check = (look(), duration()).prop_map(|(look, timeout)| CheckPlan { look, timeout });
    let log = (select(vec![Form::Pass, Form::Prefix, Form::Json]), vec(text(), 0..3));
    let service = (".{0,9}", program(), rules(), option::of(sign()), option::of(check), log).prop_map(
        |(name, program, rules, sign, check, (log, follow))| {
            let follow = follow.into_iter().map(Into::into).collect();
            ServicePlan { name, program, rules, sign, check, log, follow }
        },
    );
    let control = prop_oneof![
        Just(ControlWish::Usual),
        Just(ControlWish::Nowhere),
        text().prop_map(|path| ControlWish::At(path.into())),
    ];
    let subreaper = select(vec![Subreaper::Auto, Subreaper::Always, Subreaper::Never]);
    let code = || any::<u8>().prop_map(ExitCode);
    let start = option::of(any::<i32>());
    let version = (any::<(u64, u64)>(), any::<u64>(), any::<(i64, i64)>())
        .prop_map(|(identity, size, changed)| FileVersion { identity, size, changed });
    (
        vec(service, 2..4),
        vec(cron(), 0..3),
        duration(),
        subreaper,
        vec((code(), code()), 0..3),
        start,
        control,
        any::<bool>(),
        vec((text(), version), 0..3),
    )
        .prop_map(|(services, crons, grace, subreaper, remap_exit, start, control, coloured, watch)| {
            TreePlan {
                services,
                crons,
                grace,
                subreaper,
                remap_exit,
                start,
                control,
                coloured,
                watch: watch.into_iter().map(|(path, version)| (path.into(), version)).collect(),
            }
        })
}

fn running() -> impl Strategy<Value = Running> {
    prop_oneof![plan().prop_map(|plan| Running::One(Box::new(plan))), tree().prop_map(Running::Tree)]
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
    (running(), inherited, voice).prop_map(|(plan, inherited, voice)| Handoff { plan, inherited, voice })
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
