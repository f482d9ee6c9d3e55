//! The rows of the tables: which disturbance of which story each of them counts.

use nix::errno::Errno;

use super::report::{Failures, Table};
use super::site::{OTHER_IMAGES, STORIES, Site, Story};
use super::{errors, kills, power, terms};

/// All tables, in their order.
pub(crate) const TABLES: [Table; 6] =
    [kills::ONE_BY_ONE, kills::THREADS, kills::TWICE, errors::TABLE, power::TABLE, terms::TABLE];

/// One row. `stride`: of how many places one is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    Kill { story: Story, stride: u64 },
    KillThreads { story: Story, stride: u64 },
    KillTwice { story: Story, places: u64 },
    Fail { story: Story, errno: Errno, stride: usize },
    CutPower { story: Story, disk: power::Disk, stride: usize },
    Stop { story: Story, files: u64, places: u64 },
    StopInLarge { holes: bool },
}

/// Everything; what matters most comes first.
pub(crate) fn full() -> Vec<Job> {
    let mut jobs = Vec::new();
    for story in STORIES.iter().chain(&OTHER_IMAGES).copied() {
        jobs.push(Job::Kill { story, stride: 1 });
    }
    jobs.extend(STORIES.map(|story| Job::CutPower { story, disk: power::DISKS[0], stride: 1 }));
    for story in [STORIES[0], STORIES[1]] {
        jobs.push(Job::Stop { story, files: 200, places: 12 });
    }
    for story in STORIES {
        jobs.extend(errors::ERRORS.map(|errno| Job::Fail { story, errno, stride: 1 }));
    }
    jobs.extend(STORIES.map(|story| Job::CutPower { story, disk: power::DISKS[1], stride: 4 }));
    jobs.extend(STORIES.map(|story| Job::KillTwice { story, places: 16 }));
    jobs.extend(STORIES.map(|story| Job::KillThreads { story, stride: 3 }));
    jobs.extend([true, false].map(|holes| Job::StopInLarge { holes }));
    for story in [STORIES[0], STORIES[1]] {
        jobs.push(Job::Stop { story, files: 20_000, places: 6 });
    }
    jobs
}

/// Some of everything, in a few seconds.
pub(crate) fn short() -> Vec<Job> {
    vec![
        Job::Kill { story: STORIES[0], stride: 61 },
        Job::Kill { story: STORIES[1], stride: 43 },
        Job::Fail { story: STORIES[1], errno: Errno::ENOSPC, stride: 29 },
        Job::CutPower { story: STORIES[1], disk: power::DISKS[0], stride: 40 },
        Job::Stop { story: STORIES[0], files: 200, places: 3 },
    ]
}

impl Job {
    pub(crate) fn table(&self) -> Table {
        match self {
            Self::Kill { .. } => kills::ONE_BY_ONE,
            Self::KillThreads { .. } => kills::THREADS,
            Self::KillTwice { .. } => kills::TWICE,
            Self::Fail { .. } => errors::TABLE,
            Self::CutPower { .. } => power::TABLE,
            Self::Stop { .. } | Self::StopInLarge { .. } => terms::TABLE,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Kill { story, .. } | Self::KillThreads { story, .. } | Self::KillTwice { story, .. } => {
                story.name.to_owned()
            }
            Self::Fail { story, errno, .. } => format!("{}, {errno:?}", story.name),
            Self::CutPower { story, disk, .. } => format!("{}, {}", disk.name, story.name),
            Self::Stop { story, files, .. } => format!("{files} files, {}", story.name),
            Self::StopInLarge { holes: true } => "a file of 2 GiB of holes, first fill".to_owned(),
            Self::StopInLarge { holes: false } => "a file of 2 GiB, first fill".to_owned(),
        }
    }

    /// The counts of the table's columns; `None`: not possible here.
    pub(crate) fn perform(&self, site: &Site, failures: &mut Failures) -> Option<Vec<u64>> {
        Some(match self {
            Self::Kill { story, stride } => kills::one_by_one(site, story, *stride, failures),
            Self::KillThreads { story, stride } => kills::threads(site, story, *stride, failures),
            Self::KillTwice { story, places } => kills::twice(site, story, *places, failures),
            Self::Fail { story, errno, stride } => errors::each_call(site, story, *errno, *stride, failures),
            Self::CutPower { story, disk, stride } => power::cuts(site, story, disk, *stride, failures)?,
            Self::Stop { story, files, places } => terms::many(site, story, *files, *places, failures),
            Self::StopInLarge { holes } => terms::large(site, &STORIES[0], *holes, failures),
        })
    }
}
