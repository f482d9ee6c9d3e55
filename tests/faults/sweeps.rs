//! The program: what it is asked for, the processes that count, the tables in the end.

mod calls;
mod errors;
mod jobs;
mod kills;
mod picture;
mod power;
mod proven;
mod report;
mod site;
mod terms;
mod tracer;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jobs::Job;
use report::{Failures, Row};
use site::Site;

/// The line by which a process that counts a row ends.
const ROW: &str = "row ";

/// The binary that is tested.
pub(crate) fn castoff() -> PathBuf {
    std::env::var_os("CASTOFF_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_castoff").into(), PathBuf::from)
}

/// As it was called.
pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--service", volume, out] => {
            let seen = picture::to_text(&picture::picture(Path::new(volume)));
            std::fs::write(out, seen).unwrap();
            ExitCode::SUCCESS
        }
        ["--job", number] => {
            let row = perform(&jobs::full()[number.parse::<usize>().unwrap()]);
            let counts: Vec<String> = row.counts.iter().map(u64::to_string).collect();
            println!("{ROW}{} {}", row.failures.0, counts.join(" "));
            ExitCode::SUCCESS
        }
        words if words.contains(&"--list") => ExitCode::SUCCESS,
        words => {
            let full = words.contains(&"--full");
            let filter = words.iter().find(|word| !word.starts_with('-')).copied();
            run(full, filter)
        }
    }
}

/// Counts all rows, or those whose name holds the filter.
fn run(full: bool, filter: Option<&str>) -> ExitCode {
    let chosen = |job: &Job| filter.is_none_or(|filter| format!("faults::{job:?}").contains(filter));
    let jobs: Vec<Job> = if full { jobs::full() } else { jobs::short() };
    if !jobs.iter().any(chosen) {
        return ExitCode::SUCCESS;
    }
    if !tracer::works() {
        println!("skipped: no program can be traced here");
        return ExitCode::SUCCESS;
    }
    let rows: Vec<Option<Row>> = match full {
        true => in_processes(&jobs, chosen),
        false => jobs.iter().map(|job| chosen(job).then(|| perform(job))).collect(),
    };
    let failures: u64 = rows.iter().flatten().map(|row| row.failures.0).sum();
    let counted = |row: &Row| !row.counts.is_empty() || row.failures.0 > 0;
    println!("\n{}\n{failures} failures", texts(&jobs, &rows, counted, "").join("\n"));
    if failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The tables, with the rows that are wanted in them. A row that was not counted is empty.
fn texts(jobs: &[Job], rows: &[Option<Row>], wanted: impl Fn(&Row) -> bool, old: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for table in jobs::TABLES {
        let of_table = jobs.iter().zip(rows).filter(|(job, _)| job.table().title == table.title);
        let row = |(job, row): (&Job, &Option<Row>)| {
            row.clone().unwrap_or_else(|| Row { name: job.name(), ..Row::default() })
        };
        let rows: Vec<Row> = of_table.map(row).filter(&wanted).collect();
        if !rows.is_empty() {
            texts.push(table.to_text(&rows, old));
        }
    }
    texts
}

/// A process for each row, as many at once as there are cores. What is counted so far is
/// kept whenever a row is done.
fn in_processes(jobs: &[Job], chosen: impl Fn(&Job) -> bool) -> Vec<Option<Row>> {
    let asked = std::env::var("CASTOFF_FAULTS_JOBS").ok().and_then(|number| number.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let waiting: Vec<usize> = (0..jobs.len()).filter(|at| chosen(&jobs[*at])).collect();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(vec![None; jobs.len()]));
    std::thread::scope(|scope| {
        for _ in 0..asked.unwrap_or(cores) {
            scope.spawn(|| {
                while let Some(at) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = in_process(*at, &jobs[*at]);
                    println!(
                        "{}: {} {:?}, {} failures",
                        jobs[*at].table().title,
                        row.name,
                        row.counts,
                        row.failures.0
                    );
                    let mut rows = rows.lock().unwrap();
                    rows[*at] = Some(row);
                    report::keep(&texts(jobs, &rows, |_| true, &report::kept()));
                }
            });
        }
    });
    rows.into_inner().unwrap()
}

fn in_process(number: usize, job: &Job) -> Row {
    let own = std::env::current_exe().unwrap();
    let mut child =
        Command::new(own).arg("--job").arg(number.to_string()).stdout(Stdio::piped()).spawn().unwrap();
    let mut row = Row { name: job.name(), failures: Failures(1), ..Row::default() };
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        match line.strip_prefix(ROW) {
            Some(numbers) => {
                let mut numbers = numbers.split_whitespace().map(|number| number.parse().unwrap());
                row.failures = Failures(numbers.next().unwrap());
                row.counts = numbers.collect();
            }
            None => println!("{line}"),
        }
    }
    let _ = child.wait();
    row
}

/// Counts one row, on a volume of its own.
fn perform(job: &Job) -> Row {
    tracer::adopt_orphans();
    let name = format!("castoff-faults-{}-{}", std::process::id(), job.name().replace([' ', ','], "-"));
    let place = std::env::temp_dir().canonicalize().unwrap().join(name);
    std::fs::create_dir(&place).unwrap();
    let mounted = mount_tmpfs(&place);
    let mut failures = Failures::default();
    let counts = job.perform(&Site::new(&place), &mut failures).unwrap_or_else(|| {
        println!("skipped: {}", job.name());
        Vec::new()
    });
    if mounted {
        let _ = nix::mount::umount2(&place, nix::mount::MntFlags::MNT_DETACH);
    }
    let _ = std::fs::remove_dir_all(&place);
    Row { name: job.name(), counts, failures }
}

/// Nothing of the sweeps waits for a disk then. `false`: as if there were none.
fn mount_tmpfs(place: &Path) -> bool {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS).is_ok()
        && mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).is_ok()
        && mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).is_ok()
}
