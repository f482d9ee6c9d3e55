//! castoff is told to stop while it fills a volume. However large the tree is, it makes only
//! so many more system calls, and the next start converges.
//!
//! Calls are counted, not seconds: those depend on the machine. One of them may take as long
//! as the disk does: syncfs(2) can't be interrupted.

use std::fs;
use std::os::fd::AsRawFd;

use super::report::{Failures, Table};
use super::site::{Site, Story, write};
use super::tracer::{Exit, Verdict};

/// The most calls that castoff may make after SIGTERM: about as many as it takes to read the
/// spec and to look at the image, which it does without asking whether to stop.
const MOST_CALLS: u64 = 600;

pub(crate) const TABLE: Table = Table {
    title: "Told to stop while it prepares",
    says: "SIGTERM before calls spread over the whole start, and before calls that sync or remove. It ends by the \
           signal after a bounded number of calls, whatever the size of the tree. One of them may last: \
           syncfs(2) can't be interrupted, and takes as long as the disk does. Then one start, undisturbed.",
    columns: &["tree and story", "stops", "most calls from the signal to the end", "converged"],
};

/// With so many small files more.
pub(crate) fn many(site: &Site, story: &Story, files: u64, places: u64, failures: &mut Failures) -> Vec<u64> {
    for number in 0..files {
        for version in ["1", "2"] {
            write(&site.path(&format!("seed-{version}/many/{}/{number}", number / 100)), version);
        }
    }
    Stopping { site, story }.sweep(places, failures)
}

/// With one large file more, of holes or of blocks.
pub(crate) fn large(site: &Site, story: &Story, holes: bool, failures: &mut Failures) -> Vec<u64> {
    let file = fs::File::create(site.path("seed-1/two-gib")).unwrap();
    if holes {
        file.set_len(2 << 30).unwrap();
    } else {
        // SAFETY: takes numbers.
        let done = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, 2 << 30) };
        assert_eq!(done, 0, "posix_fallocate");
    }
    Stopping { site, story }.sweep(6, failures)
}

struct Stopping<'a> {
    site: &'a Site,
    story: &'a Story,
}

impl Stopping<'_> {
    fn sweep(&self, places: u64, failures: &mut Failures) -> Vec<u64> {
        let (story, version) = (self.story, self.story.disturbed);
        let expected = self.site.expected(story, version);
        self.site.set_up(story);
        // from castoff's first call to where it hands over to the running half
        let (mut first, mut last, mut programs) = (0, 0, 0);
        let mut moments = Vec::new();
        self.site.traced(story, version, |call| {
            programs += u64::from(call.number == libc::SYS_execve);
            if call.own && programs == 0 {
                first = if first == 0 { call.index } else { first };
                last = call.index;
                if [libc::SYS_syncfs, libc::SYS_fsync, libc::SYS_unlinkat].contains(&call.number) {
                    moments.push(call.index);
                }
            }
            Verdict::Go
        });
        let spread = (0..places).map(|place| first + (last - first) * place / places);
        let step = moments.len() / usize::try_from(places).unwrap() + 1;
        let chosen: Vec<u64> = spread.chain(moments.iter().step_by(step).copied()).collect();
        let (mut stops, mut most, mut converged) = (0, 0, 0);
        for index in chosen {
            self.site.set_up(story);
            let said = self.site.traced(story, version, |call| match call.index == index {
                true => Verdict::Signal(libc::SIGTERM),
                false => Verdict::Go,
            });
            // lines that tell how far it is come by the clock: with fewer of them the signal is
            // late, and the service's
            if said.ended.exit == Exit::Code(0) && said.seen.as_ref() == Some(&expected) {
                continue;
            }
            stops += 1;
            let calls = said.ended.calls - index;
            most = most.max(calls);
            let what = format!("{}, SIGTERM at call {index} of {last}", story.name);
            // who is no PID 1 ends by the signal itself, which a shell calls 143
            let ended = [Exit::Code(143), Exit::Signal(libc::SIGTERM)].contains(&said.ended.exit);
            if !ended || calls > MOST_CALLS {
                failures.add(&format!("{what}: {:?} after {calls} calls: {}", said.ended.exit, said.text));
            }
            let said = self.site.start(story, version);
            if said.ended.exit == Exit::Code(0) && self.site.picture() == expected {
                converged += 1;
            } else {
                failures.add(&format!("{what}: then {:?} {}", said.ended.exit, said.text));
            }
        }
        vec![stops, most, converged]
    }
}
