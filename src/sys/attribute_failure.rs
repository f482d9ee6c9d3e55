//! Why a process could not be given an attribute of its own, told so that a person can act.

use nix::errno::Errno;

use super::child_attributes::hard_limit;
use super::start_failure::{Failure, Stage};
use crate::capability::Capability;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::process_attributes::ProcessAttributes;
use crate::resource::{Limit, UNLIMITED};

/// Explains a failure to give the process of `command` one of `attributes`.
pub(super) fn explain(command: &str, attributes: &ProcessAttributes, failure: Failure) -> Diagnostic {
    let Failure { stage, errno, item } = failure;
    let cannot = |what: &str| {
        let title = format!("can't run `{command}`: {what}: {}", errno.desc());
        Diagnostic::error(exit_code(errno), title)
    };
    let capability = u8::try_from(item).ok().and_then(Capability::new);
    let capability = capability.map_or_else(|| "?".to_owned(), |capability| capability.to_string());
    match stage {
        Stage::Nice => {
            let nice = attributes.nice.unwrap_or_default();
            cannot(&format!("its `nice` can't be {nice}"))
                .note("only CAP_SYS_NICE lets a process be favoured more than castoff is")
                .help("`docker run --cap-add SYS_NICE`, or leave it out")
        }
        Stage::OomScore => oom_score(&cannot, attributes, errno),
        Stage::Limit => match attributes.limits.get(item) {
            Some(limit) => limit_refused(&cannot, *limit, errno),
            None => cannot("its `limits`"),
        },
        Stage::Bounding => cannot(&format!("its capabilities can't be bounded, it keeps {capability}"))
            .note("only CAP_SETPCAP takes capabilities away, which root has in a container, and nobody else")
            .help(
                "start the container as root and give the service a `user`, or use `docker run --cap-drop`",
            ),
        Stage::Ambient => cannot(&format!("it can't have the ambient capability {capability}"))
            .note("castoff can pass on only what it has itself, and has none where it is not started as root")
            .help(format!("`docker run --cap-add {capability}`, and start the container as root")),
        Stage::ReadOnlyPaths => {
            let path = attributes.read_only_paths.get(item).map(|path| path.display().to_string());
            let problem = cannot(&format!("its read-only path `{}`", path.unwrap_or_default()));
            match errno {
                Errno::ENOENT => problem.help("name a path that is there when the service starts"),
                _ => problem,
            }
        }
        Stage::Landlock => cannot("its `read-only-paths` can't be protected")
            .note("castoff has to list each directory above them (landlock(7))"),
        _ => cannot("its `no-new-privs` can't be set"),
    }
}

fn oom_score(
    cannot: &dyn Fn(&str) -> Diagnostic,
    attributes: &ProcessAttributes,
    errno: Errno,
) -> Diagnostic {
    let score = attributes.oom_score_adj.unwrap_or_default();
    let problem = cannot(&format!("its `oom-score-adj` can't be {score}"));
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            problem.help("mount /proc, through which alone it is set, or leave it out")
        }
        _ => problem
            .note("only CAP_SYS_RESOURCE makes it less than what the container was started with")
            .help(format!("`docker run --oom-score-adj {score}`, or `--cap-add SYS_RESOURCE`")),
    }
}

fn limit_refused(cannot: &dyn Fn(&str) -> Diagnostic, limit: Limit, errno: Errno) -> Diagnostic {
    let name = limit.resource;
    let mut problem = cannot(&format!("its limit can't be `{limit}`"));
    if errno != Errno::EPERM {
        return problem;
    }
    if let Some(hard) = hard_limit(name).filter(|hard| *hard != UNLIMITED) {
        let hard = Limit { resource: name, soft: hard, hard };
        problem = problem
            .note(format!("castoff's own hard limit is `{hard}`, and only CAP_SYS_RESOURCE raises it"));
    }
    if name.to_string() == "nofile" {
        problem = problem.note("it is never more than /proc/sys/fs/nr_open");
    }
    problem.help(format!("`docker run --ulimit {name}=SOFT:HARD`, or `--cap-add SYS_RESOURCE`"))
}

fn exit_code(errno: Errno) -> ExitCode {
    match errno {
        Errno::EPERM | Errno::EACCES => ExitCode::PERMISSION,
        Errno::ENOENT | Errno::ENOTDIR => ExitCode::INPUT,
        _ => ExitCode::NOT_EXECUTABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::capability::CapabilitySet;
    use crate::exit::ExitCode;
    use crate::process_attributes::ProcessAttributes;
    use crate::resource::{Limit, Resource};
    use crate::sys::start_failure::{Failure, Stage};
    use nix::errno::Errno;

    #[test]
    fn what_why_and_what_to_do() {
        let resource = Resource::named("nofile").unwrap();
        let attributes = ProcessAttributes {
            nice: Some(-5),
            oom_score_adj: Some(-100),
            limits: vec![Limit { resource, soft: 1, hard: 2 }],
            bounding: Some(CapabilitySet::EMPTY),
            read_only_paths: vec!["/a".into(), "/b".into()],
            ..ProcessAttributes::default()
        };
        for (stage, errno, item, exit, words) in [
            (
                Stage::Nice,
                Errno::EACCES,
                0,
                ExitCode::PERMISSION,
                ["`nice` can't be -5", "--cap-add SYS_NICE"],
            ),
            (
                Stage::OomScore,
                Errno::EACCES,
                0,
                ExitCode::PERMISSION,
                ["can't be -100", "--oom-score-adj -100"],
            ),
            (Stage::OomScore, Errno::ENOENT, 0, ExitCode::INPUT, ["can't be -100", "mount /proc"]),
            (
                Stage::Limit,
                Errno::EPERM,
                0,
                ExitCode::PERMISSION,
                ["`nofile 1:2`", "--ulimit nofile=SOFT:HARD"],
            ),
            (Stage::Limit, Errno::EINVAL, 0, ExitCode::NOT_EXECUTABLE, ["`nofile 1:2`", "Invalid argument"]),
            (Stage::Bounding, Errno::EPERM, 5, ExitCode::PERMISSION, ["it keeps KILL", "CAP_SETPCAP"]),
            (
                Stage::Ambient,
                Errno::EPERM,
                10,
                ExitCode::PERMISSION,
                ["NET_BIND_SERVICE", "--cap-add NET_BIND"],
            ),
            (Stage::NoNewPrivs, Errno::EPERM, 0, ExitCode::PERMISSION, ["`no-new-privs`", "not permitted"]),
            (Stage::ReadOnlyPaths, Errno::ENOENT, 1, ExitCode::INPUT, ["`/b`", "a path that is there"]),
            (Stage::Landlock, Errno::EACCES, 0, ExitCode::PERMISSION, ["`read-only-paths`", "above them"]),
        ] {
            let diagnostic = explain("app", &attributes, Failure { stage, errno, item });
            let text = diagnostic.render(false);
            assert_eq!(diagnostic.exit, exit, "{text}");
            assert!(
                text.contains("can't run `app`: ") && words.iter().all(|word| text.contains(word)),
                "{text}"
            );
        }
    }
}
