//! The plain init beside other inits: how long it takes to start, to pass a signal on and to
//! reap, and what it costs while nothing happens.

use std::cell::RefCell;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::child::{LATENCY, ORPHANS, now};
use crate::ground::Ground;
use crate::race::{Candidate, Table, medians, run};
use crate::scheduler::{OneGroup, OneProcessor};

const ROUNDS: usize = 301;
/// Which processor an init and its service come to is decided once for each launch.
const LAUNCHES: usize = 10;

/// An init: what it is called, and the words that stand before the command.
struct Init {
    name: &'static str,
    words: Vec<String>,
}

impl Init {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// As PID 1 of a namespace with a /proc of its own.
    fn in_namespace(&self) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]).args(&self.words);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// A peer that scripts/bench.sh built.
fn built(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/peers/bin");
    directory.join(name).display().to_string()
}

/// castoff first, and the peers that are installed.
fn inits(ground: &Ground) -> Vec<Init> {
    let castoff = ground.castoff.display().to_string();
    let (pid1, tini, dumb_init) = (built("pid1"), built("tini-musl"), built("dumb-init-musl"));
    let candidates: [(&'static str, Vec<&str>); 8] = [
        ("castoff", vec![&castoff, "--"]),
        ("tini", vec!["tini", "-s", "--"]),
        ("tini-static", vec!["tini-static", "-s", "--"]),
        ("tini, built for musl", vec![&tini, "-s", "--"]),
        ("dumb-init", vec!["dumb-init", "--"]),
        ("dumb-init, built for musl", vec![&dumb_init, "--"]),
        ("catatonit", vec!["catatonit", "--"]),
        ("pid1 (crates.io)", vec![&pid1, "--"]),
    ];
    let mut inits = Vec::new();
    for (name, words) in candidates {
        let Some(file) = which(words[0]) else {
            println!("skipped: {} is not installed", words[0]);
            continue;
        };
        let options = words[1..].iter().map(|word| (*word).to_owned());
        inits.push(Init { name, words: [file].into_iter().chain(options).collect() });
    }
    inits
}

/// Where a program is: who starts it need not search for it.
fn which(program: &str) -> Option<String> {
    let output = Command::new("which").arg(program).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

pub(crate) fn startup(ground: &Ground) -> Vec<Table> {
    let script = ground.memory.join("entrypoint.sh");
    fs::write(&script, "#!/bin/bash\nset -e\nexec \"$@\"\n").unwrap();
    let (inits, least) = (inits(ground), built("least-init"));
    let mut candidates =
        vec![Candidate::new("`/bin/true` alone", || {}, || run(&mut Command::new("/bin/true")))];
    for init in &inits {
        candidates.push(Candidate::new(init.name, || {}, || run(init.command().arg("/bin/true"))));
    }
    if Path::new(&least).exists() {
        candidates.push(Candidate::new(
            "the least that there can be (benches/least-init.c)",
            || {},
            || run(Command::new(&least).args(["--", "/bin/true"])),
        ));
    }
    candidates.push(Candidate::new(
        "a bash entrypoint that only says `exec \"$@\"`",
        || {},
        || {
            run(Command::new("/bin/bash").arg(&script).arg("/bin/true"));
        },
    ));
    let lines = on_one_and_on_all(&candidates, |time, base| format!("{:.2}", ratio(time, base)));
    let note = format!("`X -- /bin/true`, not as PID 1, {ON_ONE_AND_ON_ALL} Medians of {ROUNDS} rounds.");
    vec![Table::of("Start-up of a plain init", &note, lines)]
}

const ON_ONE_AND_ON_ALL: &str = "on one processor and on all of them. On all, the kernel moves some services to another \
    processor at their execve(2) and wakes their init across: by chance, and that takes time. As \
    in a container no session is a group of the scheduler's.";

fn ratio(time: Duration, base: Duration) -> f64 {
    time.as_secs_f64() / base.as_secs_f64()
}

/// Each candidate's median in words, beside that of the first.
fn on_one_and_on_all(
    candidates: &[Candidate<'_>],
    words: impl Fn(Duration, Duration) -> String,
) -> Vec<(String, String)> {
    let _one_group = OneGroup::new();
    let on_one = {
        let _one_processor = OneProcessor::new();
        medians(ROUNDS, candidates)
    };
    let on_all = medians(ROUNDS, candidates);
    let times = on_one.iter().zip(&on_all);
    let lines = candidates.iter().zip(times).map(|(candidate, (one, all))| {
        (candidate.name.clone(), format!("{}; on all {}", words(*one, on_one[0]), words(*all, on_all[0])))
    });
    lines.collect()
}

/// Twenty variables, two of them secrets in files, and four files.
fn spec(ground: &Ground) -> (String, Vec<(String, String)>) {
    let templates = ground.memory.join("templates");
    fs::create_dir_all(&templates).unwrap();
    let mut spec = String::new();
    let mut environment = Vec::new();
    for number in 0..20 {
        let kind = ["string", "int", "bool", "string"][number % 4];
        let value = ["it's a value", "4711", "true", "another one"][number % 4];
        spec.push_str(&format!("[env.SITE_{number}]\ntype = \"{kind}\"\n"));
        if number % 4 == 3 && number < 8 {
            spec.push_str("secret = true\n");
            let file = ground.memory.join(format!("secret-{number}"));
            fs::write(&file, value).unwrap();
            environment.push((format!("SITE_{number}_FILE"), file.display().to_string()));
        } else {
            environment.push((format!("SITE_{number}"), value.to_owned()));
        }
    }
    let lines = |each: &dyn Fn(usize) -> String| (0..20).map(each).collect::<String>();
    for (name, text) in [
        ("config.php", format!("<?php\n{}", lines(&|at| format!("$site_{at} = {{{{ SITE_{at} }}}};\n")))),
        ("site.ini", lines(&|at| format!("site.key_{at} = \"{{{{ SITE_{at} }}}}\"\n"))),
        (
            "settings.json",
            format!("{{{}\"end\": 1}}\n", lines(&|at| format!("\"k{at}\": {{{{ SITE_{at} }}}},\n"))),
        ),
        ("settings.env", lines(&|at| format!("KEY_{at}={{{{ SITE_{at} }}}}\n"))),
    ] {
        fs::write(templates.join(format!("{name}.j2")), text).unwrap();
        let dest = ground.memory.join("made").join(name);
        let format = if name == "site.ini" { "format = \"php-ini\"\n" } else { "" };
        spec.push_str(&format!(
            "[[template]]\nsource = \"templates/{name}.j2\"\ndest = \"{}\"\nmode = \"0600\"\n{format}",
            dest.display()
        ));
    }
    fs::create_dir_all(ground.memory.join("made")).unwrap();
    (spec, environment)
}

fn command(words: &[&str], environment: &[(String, String)]) -> RefCell<Command> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).envs(environment.iter().cloned());
    RefCell::new(command)
}

pub(crate) fn prepared(ground: &Ground) -> Vec<Table> {
    let (spec, environment) = spec(ground);
    // made before they are measured, and run again and again
    let mut start = ground.start("prepared", &spec);
    start.envs(environment.clone());
    run(&mut start);
    let start = RefCell::new(start);
    // what a shell does for the same: a loop over the variables, and sed for each file
    let script = ground.memory.join("render.sh");
    let made = ground.memory.join("made-by-bash");
    fs::create_dir_all(&made).unwrap();
    let text = format!(
        "#!/bin/bash\nset -e\nfor n in $(seq 0 19); do v=SITE_$n; f=SITE_${{n}}_FILE\n\
         [ -z \"${{!f}}\" ] || export \"$v=$(cat \"${{!f}}\")\"; [ -n \"${{!v}}\" ]\n\
         args+=(-e \"s|{{{{ $v }}}}|${{!v}}|\"); done\n\
         for f in {0}/templates/*.j2; do sed \"${{args[@]}}\" \"$f\" > {1}/$(basename \"$f\" .j2); done\nexec \"$@\"\n",
        ground.memory.display(),
        made.display()
    );
    fs::write(&script, text).unwrap();
    // with the same environment, which costs who starts them
    let alone = command(&["/bin/true"], &environment);
    let by_bash = command(&["/bin/bash", &script.display().to_string(), "/bin/true"], &environment);
    let candidates =
        [("`/bin/true` alone", &alone), ("castoff", &start), ("bash and sed, escaping nothing", &by_bash)]
            .map(|(name, command)| Candidate::new(name, || {}, || run(&mut command.borrow_mut())));
    let lines = on_one_and_on_all(&candidates, |time, base| {
        let verdict = match time.saturating_sub(base) < Duration::from_micros(1500) {
            true => "less than 1.5 ms more",
            false => "more than 1.5 ms more",
        };
        format!("{:.2}, {verdict}", ratio(time, base))
    });
    let note = format!(
        "20 variables, two of them in files, and four files that are as they should be, {ON_ONE_AND_ON_ALL} \
         Medians of {ROUNDS} rounds."
    );
    vec![Table::of("A start with nothing to change", &note, lines)]
}

fn own_binary() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn read_number(child: &mut Child) -> u64 {
    let mut bytes = [0; 8];
    child.stdout.as_mut().unwrap().read_exact(&mut bytes).unwrap();
    u64::from_ne_bytes(bytes)
}

/// An init with a service that tells of its signals, and the service's id.
fn with_service(init: &Init) -> (Child, Pid) {
    let mut child = init
        .command()
        .arg(own_binary())
        .arg(LATENCY)
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let service = Pid::from_raw(read_number(&mut child).try_into().unwrap());
    (child, service)
}

fn end(mut child: Child, service: Pid) {
    kill(service, Signal::SIGKILL).unwrap();
    child.wait().unwrap();
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

/// How long each signal takes through inits that are started together.
fn latencies(inits: &[Init]) -> Vec<Vec<u64>> {
    let mut running: Vec<(Child, Pid)> = inits.iter().map(with_service).collect();
    let mut times = vec![Vec::new(); inits.len()];
    for _ in 0..ROUNDS {
        for ((child, _), times) in running.iter_mut().zip(&mut times) {
            std::thread::sleep(Duration::from_millis(1));
            let begun = now();
            kill(pid(child), Signal::SIGTERM).unwrap();
            times.push(read_number(child) - begun);
        }
    }
    for (child, service) in running {
        end(child, service);
    }
    times
}

pub(crate) fn latency(ground: &Ground) -> Vec<Table> {
    let _one_group = OneGroup::new();
    let mut inits = inits(ground);
    // passes TERM on once, and kills two seconds later
    inits.retain(|init| !init.name.starts_with("pid1"));
    let mut all: Vec<Vec<u64>> = vec![Vec::new(); inits.len()];
    for launch in 0..LAUNCHES {
        // who comes after whom matters, too
        let turn = launch % inits.len();
        inits.rotate_left(turn);
        all.rotate_left(turn);
        for (all, times) in all.iter_mut().zip(latencies(&inits)) {
            all.extend(times);
        }
        inits.rotate_right(turn);
        all.rotate_right(turn);
    }
    let medians: Vec<(&str, u64)> = inits
        .iter()
        .zip(&mut all)
        .map(|(init, times)| {
            times.sort_unstable();
            (init.name, times[times.len() / 2])
        })
        .collect();
    let tini = medians.iter().find(|(name, _)| *name == "tini").map_or(medians[0].1, |(_, time)| *time);
    let lines = medians
        .into_iter()
        .map(|(name, time)| (name.to_owned(), format!("{:.2}", time as f64 / tini as f64)));
    let note = format!(
        "From kill(2) of the init to the service's return from sigwait(3); tini is 1. As in a container no session is \
         a group of the scheduler's. Medians of {LAUNCHES} launches of each, {ROUNDS} signals a launch."
    );
    vec![Table::of("A signal on its way", &note, lines.collect())]
}

pub(crate) fn orphans(ground: &Ground) -> Vec<Table> {
    const COUNT: usize = 20_000;
    const RUNS: usize = 11;
    let _one_group = OneGroup::new();
    let mut inits = inits(ground);
    let words = [&*ground.castoff.display().to_string(), "--setsid", "--"].map(str::to_owned);
    inits.insert(1, Init { name: "castoff --setsid", words: words.to_vec() });
    let mut runs = vec![Vec::new(); inits.len()];
    // in turn: what else the machine does falls on all of them
    for _ in 0..RUNS {
        for (init, runs) in inits.iter().zip(&mut runs) {
            let mut command = init.in_namespace();
            let child = command.arg(own_binary()).arg(ORPHANS).arg(COUNT.to_string());
            let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
            runs.push((read_number(&mut child), read_number(&mut child)));
            assert!(child.wait().unwrap().success(), "{}", init.name);
        }
    }
    let sorted = |mut times: Vec<u64>| {
        times.sort_unstable();
        times
    };
    let figures: Vec<[u64; 3]> = runs
        .iter()
        .map(|runs| {
            let took = sorted(runs.iter().map(|run| run.0).collect());
            let own = sorted(runs.iter().map(|run| run.1).collect());
            [took[RUNS / 2], took[RUNS - 1], own[RUNS / 2]]
        })
        .collect();
    let base = figures[inits.iter().position(|init| init.name == "dumb-init").unwrap_or(0)];
    let lines = inits.iter().zip(&figures).map(|(init, figures)| {
        let [median, slowest, own] = [0, 1, 2].map(|at| figures[at] as f64 / base[at] as f64);
        let value = format!("{median:.2}, the slowest {slowest:.2}, the init itself {own:.2}");
        (init.name.to_owned(), value)
    });
    let note = format!(
        "{COUNT} orphans end at once below PID 1 of a namespace: until none is left, not even as a zombie, \
         the slowest run of each, and how long the init itself had a processor for it. dumb-init is 1 in each. \
         Medians of {RUNS} runs, which differ much on two cores."
    );
    vec![Table::of("Orphans", &note, lines.collect())]
}

/// What stands in a file of /proc behind a word, as a number.
fn field(pid: Pid, file: &str, word: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find(|line| line.starts_with(word)).unwrap_or_else(|| panic!("{word} in {file}"));
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

pub(crate) fn idle(ground: &Ground) -> Vec<Table> {
    let inits = inits(ground);
    let running: Vec<_> = inits.iter().map(|init| (init, with_service(init))).collect();
    let wakeups = |child: &Child| field(pid(child), "status", "voluntary_ctxt_switches");
    std::thread::sleep(Duration::from_secs(1));
    let before: Vec<u64> = running.iter().map(|(_, (child, _))| wakeups(child)).collect();
    std::thread::sleep(Duration::from_secs(60));
    let mut lines = Vec::new();
    for ((init, (child, service)), before) in running.into_iter().zip(before) {
        let woken = wakeups(&child) - before;
        let of = |word| field(pid(&child), "smaps_rollup", word);
        let size = fs::metadata(&init.words[0]).unwrap().len() / 1000;
        lines.push((
            init.name.to_owned(),
            format!(
                "{} kB private dirty, {} kB resident, woken {woken} times; {size} kB file",
                of("Private_Dirty:"),
                of("Rss:")
            ),
        ));
        end(child, service);
    }
    let note = "Beside a service that sleeps, for 60 seconds.";
    vec![Table::of("While nothing happens", note, lines)]
}
