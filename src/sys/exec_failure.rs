//! Why a command could not be run, told so that a person can act: the kernel's errno and
//! the facts about the file become one cause, and a cause one diagnostic.
//!
//! The judgement is pure; [`explain`] gathers the facts for it. No argument and no value of
//! a variable is ever shown, only the command's own name.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::attribute_failure;
use super::lookup::{self, Candidates};
use super::program_file::{self, Facts, Head, machine_name};
use super::spawn::{Failure, Program, Stage};
use crate::diagnostic::{Diagnostic, nearest};
use crate::exit::ExitCode;

/// At most so many names per directory are compared with a misspelt command.
const NAMES_PER_DIRECTORY: usize = 5_000;

/// The kernel's limit for one argument or variable (`MAX_ARG_STRLEN`, execve(2)).
const LONGEST_STRING: usize = 131_072;

/// Why a file that is there was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    NotFound,
    Directory,
    NotExecutable { mode: u32 },
    NoexecMount,
    NotAllowed,
    NoInterpreter { interpreter: PathBuf },
    CarriageReturn { interpreter: String },
    NoLoader { loader: PathBuf },
    WrongMachine { name: String },
    NoShebang,
    Empty,
    UnknownFormat,
    TooLong,
    Other,
}

/// Explains a failure to start `program`.
#[must_use]
pub fn explain(program: &Program<'_>, candidates: Option<&Candidates>, failure: Failure) -> Diagnostic {
    let command = program.argv.first().map_or(OsStr::new(""), OsString::as_os_str);
    let shown = command.display();
    let reason = failure.errno.desc();
    let cannot = |exit, why: String| Diagnostic::error(exit, format!("can't run `{shown}`: {why}"));
    match failure.stage {
        Stage::Lookup | Stage::Exec => explain_exec(program, command, candidates, failure),
        Stage::Arguments if command.is_empty() => {
            Diagnostic::error(ExitCode::USAGE, "no command to run").help("name one after `--`")
        }
        Stage::Arguments => {
            cannot(ExitCode::NOT_EXECUTABLE, "an argument or a variable has a NUL byte in it".to_owned())
        }
        Stage::Clone => cannot(ExitCode::NOT_EXECUTABLE, format!("no process could be made: {reason}"))
            .note("a limit of processes (pids.max, RLIMIT_NPROC) or of memory is the usual cause"),
        Stage::Mask => cannot(ExitCode::NOT_EXECUTABLE, format!("its signals can't be unblocked: {reason}")),
        Stage::Stdio => cannot(ExitCode::NOT_EXECUTABLE, format!("its standard descriptors: {reason}")),
        Stage::Groups | Stage::Gid | Stage::Uid => {
            let what = match failure.stage {
                Stage::Groups => "its supplementary groups can't be set",
                Stage::Gid => "its group can't be set",
                _ => "its user can't be set",
            };
            let groups = failure.stage == Stage::Groups && !program.attributes.groups.is_empty();
            cannot(ExitCode::PERMISSION, format!("{what}: {reason}")).help(match groups {
                true => "only root may join groups: start the container as root, or with `--group-add`",
                false => {
                    "only root may change to another user: start the container as root, or leave the user out"
                }
            })
        }
        Stage::WorkingDirectory => {
            let directory = program.working_directory.unwrap_or(OsStr::new("")).display().to_string();
            let exit = if failure.errno == Errno::EACCES { ExitCode::PERMISSION } else { ExitCode::INPUT };
            cannot(exit, format!("its working directory `{directory}`: {reason}"))
        }
        Stage::Nice
        | Stage::OomScore
        | Stage::Limit
        | Stage::Bounding
        | Stage::Ambient
        | Stage::NoNewPrivs
        | Stage::ReadOnlyPaths
        | Stage::Landlock => attribute_failure::explain(&shown.to_string(), program.attributes, failure),
    }
}

/// Why `program` can't be run, as far as its file tells without running it; `None` where
/// nothing speaks against it.
#[must_use]
pub fn foresee(program: &Program<'_>) -> Option<Diagnostic> {
    let command = program.argv.first()?;
    let candidates = lookup::candidates(command, program.environment);
    let mut first = None;
    for (file, candidate) in candidates.files.iter().zip(0..) {
        let directory = program.working_directory.map_or(Path::new(""), Path::new);
        let facts = program_file::observe(&directory.join(file));
        let errno = foreseen(&facts, &|interpreter| interpreter.exists())?;
        first = first.or(Some(Failure { stage: Stage::Exec, errno, item: candidate }));
    }
    let failure = first.unwrap_or(Failure { stage: Stage::Lookup, errno: Errno::ENOENT, item: 0 });
    Some(explain(program, Some(&candidates), failure))
}

/// What execve(2) would say of a file. An empty head may be one that castoff can't read.
fn foreseen(facts: &Facts, exists: &dyn Fn(&Path) -> bool) -> Option<Errno> {
    let Facts::File { mode, noexec, head, .. } = facts else {
        return Some(if *facts == Facts::Directory { Errno::EACCES } else { Errno::ENOENT });
    };
    if mode & 0o111 == 0 || *noexec {
        return Some(Errno::EACCES);
    }
    match program_file::parse(head) {
        Head::Script { interpreter } if interpreter.as_os_str().is_empty() => Some(Errno::ENOEXEC),
        Head::Script { interpreter } if !exists(interpreter) => Some(Errno::ENOENT),
        Head::Elf { machine, .. } if machine_name(machine) != Some(std::env::consts::ARCH) => {
            Some(Errno::ENOEXEC)
        }
        Head::Elf { loader: Some(loader), .. } if !exists(loader) => Some(Errno::ENOENT),
        Head::Text => Some(Errno::ENOEXEC),
        Head::Script { .. } | Head::Elf { .. } | Head::Empty | Head::Other => None,
    }
}

fn explain_exec(
    program: &Program<'_>,
    command: &OsStr,
    candidates: Option<&Candidates>,
    failure: Failure,
) -> Diagnostic {
    let file = candidates.and_then(|found| found.files.get(failure.item)).map(PathBuf::as_path);
    let searched = candidates.and_then(|found| found.searched.as_deref());
    let place = match (program.working_directory, file) {
        (Some(directory), Some(file)) => Some(Path::new(directory).join(file)),
        (_, file) => file.map(Path::to_owned),
    };
    let facts = place.as_deref().map_or(Facts::Unreachable, program_file::observe);
    let cause = judge(failure.errno, &facts, &|interpreter| interpreter.exists());
    match cause {
        Cause::NotFound => not_found(command, searched),
        Cause::TooLong => too_long(program, command),
        cause => {
            refused(place.as_deref().unwrap_or(Path::new(command)), &facts, &cause, failure.errno, program)
        }
    }
}

/// The judgement: an errno of execve(2) and the facts, to a cause.
fn judge(errno: Errno, facts: &Facts, exists: &dyn Fn(&Path) -> bool) -> Cause {
    let head = match facts {
        Facts::Unreachable if errno == Errno::EACCES => return Cause::NotAllowed,
        Facts::Unreachable if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) => return Cause::NotFound,
        Facts::Unreachable => return if errno == Errno::E2BIG { Cause::TooLong } else { Cause::Other },
        Facts::Directory => return Cause::Directory,
        Facts::File { head, .. } => program_file::parse(head),
    };
    match errno {
        Errno::E2BIG => Cause::TooLong,
        Errno::EACCES => judge_access(facts),
        Errno::ENOENT | Errno::ENOTDIR => match head {
            Head::Script { interpreter } => judge_interpreter(interpreter),
            Head::Elf { loader: Some(loader), .. } if !exists(loader) => {
                Cause::NoLoader { loader: loader.to_owned() }
            }
            _ => Cause::NotFound,
        },
        Errno::ENOEXEC => match head {
            Head::Empty => Cause::Empty,
            Head::Text => Cause::NoShebang,
            Head::Script { interpreter } if interpreter.as_os_str().is_empty() => Cause::NoShebang,
            Head::Elf { machine, .. } if machine_name(machine) != Some(std::env::consts::ARCH) => {
                let unknown = || format!("ELF architecture {machine}");
                Cause::WrongMachine { name: machine_name(machine).map_or_else(unknown, str::to_owned) }
            }
            _ => Cause::UnknownFormat,
        },
        _ => Cause::Other,
    }
}

fn judge_access(facts: &Facts) -> Cause {
    match facts {
        Facts::File { mode, .. } if mode & 0o111 == 0 => Cause::NotExecutable { mode: *mode },
        Facts::File { noexec: true, .. } => Cause::NoexecMount,
        _ => Cause::NotAllowed,
    }
}

fn judge_interpreter(interpreter: &Path) -> Cause {
    match interpreter.as_os_str().as_bytes().strip_suffix(b"\r") {
        Some(name) => Cause::CarriageReturn { interpreter: String::from_utf8_lossy(name).into_owned() },
        None => Cause::NoInterpreter { interpreter: interpreter.to_owned() },
    }
}

fn not_found(command: &OsStr, searched: Option<&OsStr>) -> Diagnostic {
    let shown = command.display();
    let Some(path) = searched else {
        return Diagnostic::error(ExitCode::NOT_FOUND, format!("can't run `{shown}`: there is no such file"));
    };
    let mut diagnostic =
        Diagnostic::error(ExitCode::NOT_FOUND, format!("can't run `{shown}`: not found in PATH"))
            .note(format!("searched: {}", path.display()));
    let names: Vec<String> = lookup::directories(path).flat_map(|directory| names_in(&directory)).collect();
    if let Some(near) = nearest(&command.to_string_lossy(), names.iter().map(String::as_str)) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    diagnostic
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.take(NAMES_PER_DIRECTORY).filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn too_long(program: &Program<'_>, command: &OsStr) -> Diagnostic {
    let arguments = program.argv.iter().map(|argument| argument.len() + 1);
    let mut total: usize = arguments.sum();
    let mut longest = Vec::new();
    program.environment.each(|name, value| {
        total += name.len() + value.len() + 2;
        if name.len() + value.len() + 1 >= LONGEST_STRING {
            longest.push(name.to_owned());
        }
    });
    let mut diagnostic = Diagnostic::error(
        ExitCode::NOT_EXECUTABLE,
        format!(
            "can't run `{}`: its arguments and environment are too long, {total} bytes",
            command.display()
        ),
    );
    if program.argv.iter().any(|argument| argument.len() >= LONGEST_STRING) {
        diagnostic =
            diagnostic.note(format!("an argument is longer than the kernel's {LONGEST_STRING} bytes"));
    }
    for name in longest {
        let name = name.display();
        diagnostic = diagnostic.note(format!("`{name}` is longer than the kernel's {LONGEST_STRING} bytes"));
    }
    diagnostic
}

/// The sentence for a file that is there.
fn refused(file: &Path, facts: &Facts, cause: &Cause, errno: Errno, program: &Program<'_>) -> Diagnostic {
    let file = file.display();
    let why = |why: String| Diagnostic::error(ExitCode::NOT_EXECUTABLE, format!("can't run `{file}`: {why}"));
    match cause {
        Cause::Directory => why("it is a directory".to_owned()),
        Cause::NotExecutable { mode } => {
            why(format!("it is not executable (mode {mode:04o})")).help(format!("chmod +x {file}"))
        }
        Cause::NoexecMount => why("it lies on a mount with the option `noexec`".to_owned())
            .help("move it elsewhere, or mount that file system with `exec`"),
        Cause::NotAllowed => {
            let mut diagnostic = why("permission denied".to_owned());
            if let Facts::File { mode, uid, gid, .. } = facts {
                diagnostic = diagnostic.note(format!("its mode is {mode:04o}, its owner {uid}:{gid}"));
            }
            if let Some(user) = program.credentials {
                diagnostic = diagnostic.note(format!("it would run as {}:{}", user.uid, user.gid));
            }
            diagnostic.help("the user needs the right to execute it, and to search each directory above it")
        }
        Cause::NoInterpreter { interpreter } => {
            why(format!("its interpreter `{}` does not exist", interpreter.display()))
                .note("the first line of the script names it")
        }
        Cause::CarriageReturn { interpreter } => why(format!(
            "its first line ends with a carriage return, so the kernel looks for `{interpreter}\\r`"
        ))
        .help(format!("save it with Unix line ends: sed -i 's/\\r$//' {file}")),
        Cause::NoLoader { loader } => {
            let diagnostic = why(format!("its loader `{}` does not exist", loader.display()));
            match libc_of(loader) {
                Some((libc, base)) => diagnostic
                    .note(format!("the program was built for {libc}, which this image lacks"))
                    .help(format!("{base}, or use a static build of the program")),
                None => diagnostic,
            }
        }
        Cause::WrongMachine { name } => {
            why(format!("it was built for {name}, and this machine is {}", std::env::consts::ARCH))
                .help("use the image, or the program, of this machine's architecture")
        }
        Cause::NoShebang => why("it is a text without a first line that names its interpreter".to_owned())
            .help("begin it with `#!/bin/sh`, or run it by `sh FILE`"),
        Cause::Empty => why("it is empty".to_owned()),
        Cause::UnknownFormat => why("it is no program that this kernel knows".to_owned()),
        Cause::Other if errno == Errno::EAGAIN => why("its user has too many processes".to_owned())
            .note("the limit `nproc` counts those of all containers with this user id (setrlimit(2))"),
        Cause::NotFound | Cause::TooLong | Cause::Other => why(errno.desc().to_owned()),
    }
}

/// The libc that a loader belongs to, and what to base an image on to have it.
fn libc_of(loader: &Path) -> Option<(&'static str, &'static str)> {
    let name = loader.file_name()?.to_str()?;
    if name.starts_with("ld-musl") {
        return Some(("musl", "base the image on one with musl (alpine)"));
    }
    name.starts_with("ld-linux").then_some(("glibc", "base the image on one with glibc (debian)"))
}

#[cfg(test)]
mod tests {
    use super::{Cause, explain, foresee, judge};
    use crate::exit::ExitCode;
    use crate::sys::environment::Variables;
    use crate::sys::lookup::candidates;
    use crate::sys::program_file::Facts;
    use crate::sys::spawn::{Failure, Prepared, Program, Setting, Stage};
    use nix::errno::Errno;
    use std::ffi::OsString;

    fn file(mode: u32, noexec: bool, head: &[u8]) -> Facts {
        Facts::File { mode, uid: 0, gid: 0, noexec, head: head.to_vec() }
    }

    fn elf(machine: u8) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = machine;
        head
    }

    #[test]
    fn causes() {
        let other = if cfg!(target_arch = "aarch64") { (62, "x86_64") } else { (183, "aarch64") };
        for (errno, facts, expected) in [
            (Errno::ENOENT, Facts::Unreachable, Cause::NotFound),
            (Errno::ENOTDIR, Facts::Unreachable, Cause::NotFound),
            (Errno::EACCES, Facts::Unreachable, Cause::NotAllowed),
            (Errno::ELOOP, Facts::Unreachable, Cause::Other),
            (Errno::EACCES, Facts::Directory, Cause::Directory),
            (Errno::EACCES, file(0o644, false, b""), Cause::NotExecutable { mode: 0o644 }),
            (Errno::EACCES, file(0o755, true, b""), Cause::NoexecMount),
            (Errno::EACCES, file(0o750, false, b""), Cause::NotAllowed),
            (
                Errno::ENOENT,
                file(0o755, false, b"#!/opt/x -e\n"),
                Cause::NoInterpreter { interpreter: "/opt/x".into() },
            ),
            (
                Errno::ENOENT,
                file(0o755, false, b"#!/bin/sh\r\n"),
                Cause::CarriageReturn { interpreter: "/bin/sh".into() },
            ),
            (Errno::ENOEXEC, file(0o755, false, b""), Cause::Empty),
            (Errno::ENOEXEC, file(0o755, false, b"echo\n"), Cause::NoShebang),
            (Errno::ENOEXEC, file(0o755, false, b"#!\n"), Cause::NoShebang),
            (Errno::ENOEXEC, file(0o755, false, b"\0\x01"), Cause::UnknownFormat),
            (Errno::ENOEXEC, file(0o755, false, &elf(other.0)), Cause::WrongMachine { name: other.1.into() }),
            (Errno::E2BIG, file(0o755, false, b"#!/bin/sh\n"), Cause::TooLong),
            (Errno::ETXTBSY, file(0o755, false, b"#!/bin/sh\n"), Cause::Other),
        ] {
            assert_eq!(judge(errno, &facts, &|_| false), expected, "{errno} {facts:?}");
        }
    }

    #[test]
    fn what_is_foreseen_is_what_the_kernel_says() {
        let scratch = crate::sys::fixture::Scratch::new();
        let run = |name: &str, mode: u32, content: &str| {
            scratch.file(name, content);
            let path = scratch.path(name);
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
            let argv = [path.into_os_string()];
            let program = Program { argv: &argv, ..Program::default() };
            let foreseen = foresee(&program).map(|diagnostic| diagnostic.render(false));
            let prepared = Prepared::new(&program).unwrap();
            let met = match prepared.spawn(&Setting::default()) {
                Ok(pid) => crate::sys::reap::wait_for(pid).and(None),
                Err(failure) => Some(explain(&program, Some(prepared.candidates()), failure).render(false)),
            };
            assert_eq!(foreseen, met, "{name}");
            foreseen.unwrap_or_default()
        };
        assert_eq!(run("good", 0o755, "#!/bin/sh\n"), "");
        assert!(run("mode", 0o644, "#!/bin/sh\n").contains("not executable"));
        assert!(run("crlf", 0o755, "#!/bin/sh\r\n").contains("carriage return"));
        assert!(run("interpreter", 0o755, "#!/opt/none\n").contains("`/opt/none` does not exist"));
        assert!(run("text", 0o755, "echo\n").contains("without a first line"));
        let (argv, path) = (["no-such-program".into()], [("PATH".into(), "/bin".into())]);
        let program = Program { argv: &argv, environment: Variables::Listed(&path), ..Program::default() };
        assert_eq!(foresee(&program).unwrap().exit, ExitCode::NOT_FOUND);
    }

    fn told(argv: &[&str], path: &str, failure: Failure) -> (ExitCode, String) {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let environment = [("PATH".into(), path.into()), ("SECRET".into(), "hunter2".repeat(20_000).into())];
        let program =
            Program { argv: &argv, environment: Variables::Listed(&environment), ..Program::default() };
        let found = argv.first().map(|command| candidates(command, program.environment));
        let diagnostic = explain(&program, found.as_ref(), failure);
        (diagnostic.exit, diagnostic.render(false))
    }

    #[test]
    fn a_misspelt_command_is_corrected() {
        let lookup = Failure { stage: Stage::Lookup, errno: Errno::ENOENT, item: 0 };
        let (exit, text) = told(&["slepe"], "/usr/bin:/bin", lookup);
        assert_eq!(exit, ExitCode::NOT_FOUND);
        assert!(text.contains("can't run `slepe`: not found in PATH"), "{text}");
        assert!(text.contains("searched: /usr/bin:/bin") && text.contains("did you mean `sleep`?"), "{text}");
    }

    #[test]
    fn a_long_variable_is_named_and_not_shown() {
        let (exit, text) =
            told(&["/bin/sh"], "/bin", Failure { stage: Stage::Exec, errno: Errno::E2BIG, item: 0 });
        assert_eq!(exit, ExitCode::NOT_EXECUTABLE);
        assert!(text.contains("`SECRET` is longer than") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn each_stage_has_its_code() {
        for (stage, errno, exit) in [
            (Stage::Arguments, Errno::EINVAL, ExitCode::NOT_EXECUTABLE),
            (Stage::Clone, Errno::EAGAIN, ExitCode::NOT_EXECUTABLE),
            (Stage::Stdio, Errno::EBADF, ExitCode::NOT_EXECUTABLE),
            (Stage::Mask, Errno::EPERM, ExitCode::NOT_EXECUTABLE),
            (Stage::Groups, Errno::EPERM, ExitCode::PERMISSION),
            (Stage::Gid, Errno::EPERM, ExitCode::PERMISSION),
            (Stage::Uid, Errno::EPERM, ExitCode::PERMISSION),
            (Stage::WorkingDirectory, Errno::ENOENT, ExitCode::INPUT),
            (Stage::WorkingDirectory, Errno::EACCES, ExitCode::PERMISSION),
        ] {
            assert_eq!(told(&["/bin/sh"], "", Failure { stage, errno, item: 0 }).0, exit, "{stage:?}");
        }
        let nothing = Failure { stage: Stage::Arguments, errno: Errno::ENOENT, item: 0 };
        assert_eq!(told(&[], "", nothing).0, ExitCode::USAGE);
    }
}
