//! Walks a tree with a few threads: who takes a directory lists it, and puts what is below
//! it and batches of its files where any thread takes them.
//!
//! Few descriptors are open however wide or deep the tree is: directories wait as paths,
//! and of the batches, which hold their directory open, only so many wait; beyond that who
//! lists a directory sees to its files at once. More threads are started only when there
//! is work for two, and are gone when `walk` returns. The first failure ends all.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use super::entry::Want;
use super::error::TreeError;
use super::listing::{Listed, list};
use super::progress::Stop;
use super::root::{Tree, is_gone};
use crate::sys::file_error::Operation;
use crate::sys::threads::together;

const MOST_THREADS: usize = 4;
/// Names in a batch: enough that handing it over costs nothing, few enough that large
/// files spread.
const BATCH: usize = 16;
const MOST_BATCHES: usize = 32;

/// A piece of work. `H` is what is held open of a directory.
pub(super) enum Job<H> {
    /// List this directory, given by its path, and pass on what is in it.
    Directory(PathBuf, Want),
    /// See to some of the names in a directory that are no directories.
    Files(Batch<H>),
}

/// Names in a directory.
pub(super) struct Batch<H> {
    pub(super) held: Arc<H>,
    pub(super) directory: Arc<PathBuf>,
    pub(super) names: Vec<Listed>,
}

/// What the threads share.
pub(super) struct Crew<'a, H> {
    stop: Stop<'a>,
    state: Mutex<State<H>>,
    news: Condvar,
    ended: AtomicBool,
}

struct State<H> {
    directories: Vec<(PathBuf, Want)>,
    batches: Vec<Batch<H>>,
    busy: usize,
    failure: Option<TreeError>,
}

/// Walks from the root of a tree. Each thread works with a `T` of its own; all are
/// returned.
///
/// # Errors
/// The first that `perform` returns; [`TreeError::Stopped`].
pub(super) fn walk<H: Send + Sync, T: Send>(
    stop: Stop<'_>,
    start: impl Fn() -> T + Sync,
    perform: impl Fn(&Crew<'_, H>, &mut T, Job<H>) -> Result<(), TreeError> + Sync,
) -> Result<Vec<T>, TreeError> {
    let crew = Crew::new(stop);
    let mut own = start();
    // alone, as long as there is nothing to share
    while crew.waiting() < 2 && crew.next_now(&mut own, &perform) {}
    let helpers = if crew.waiting() < 2 { 0 } else { threads() - 1 };
    let mut all = together(|scope| {
        let mut started = Vec::new();
        for _ in 0..helpers {
            let work = || {
                let mut own = start();
                crew.work(&mut own, &perform);
                own
            };
            // A limit of processes is no reason to fail: there is this thread at least.
            let Ok(helper) = std::thread::Builder::new().spawn_scoped(scope, work) else { break };
            started.push(helper);
        }
        crew.work(&mut own, &perform);
        let join = |helper: std::thread::ScopedJoinHandle<'_, T>| match helper.join() {
            Ok(theirs) => theirs,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        started.into_iter().map(join).collect::<Vec<T>>()
    });
    all.push(own);
    match crew.lock().failure.take() {
        Some(failure) => Err(failure),
        None => Ok(all),
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS))
}

impl<'a, H> Crew<'a, H> {
    fn new(stop: Stop<'a>) -> Self {
        let state = State {
            directories: vec![(PathBuf::new(), Want::Take)],
            batches: Vec::new(),
            busy: 0,
            failure: None,
        };
        Self { stop, state: Mutex::new(state), news: Condvar::new(), ended: AtomicBool::new(false) }
    }

    /// Whether to stop: castoff was asked to, or another thread failed.
    pub(super) fn stops(&self) -> bool {
        self.ended.load(Ordering::Relaxed) || (self.stop)()
    }

    /// As an error, for `?`.
    pub(super) fn go_on(&self) -> Result<(), TreeError> {
        if self.stops() { Err(TreeError::Stopped) } else { Ok(()) }
    }

    /// Passes on the directories and the other names of a directory. Returns the names that
    /// who calls must see to now.
    pub(super) fn pass_on(
        &self,
        directories: Vec<(PathBuf, Want)>,
        held: &Arc<H>,
        directory: &Arc<PathBuf>,
        mut names: Vec<Listed>,
    ) -> Vec<Listed> {
        let mut state = self.lock();
        state.directories.extend(directories);
        // the last part is for this thread
        while names.len() > BATCH && state.batches.len() < MOST_BATCHES {
            let batch = names.split_off(names.len() - BATCH);
            state.batches.push(Batch {
                held: Arc::clone(held),
                directory: Arc::clone(directory),
                names: batch,
            });
        }
        drop(state);
        self.news.notify_all();
        names
    }

    fn waiting(&self) -> usize {
        let state = self.lock();
        state.directories.len() + state.batches.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one job if there is one.
    fn next_now<T>(
        &self,
        own: &mut T,
        perform: &impl Fn(&Self, &mut T, Job<H>) -> Result<(), TreeError>,
    ) -> bool {
        let job = self.lock().take();
        let Some(job) = job else { return false };
        self.perform(own, job, perform)
    }

    /// Works until nothing is left and nobody could add anything.
    fn work<T>(&self, own: &mut T, perform: &impl Fn(&Self, &mut T, Job<H>) -> Result<(), TreeError>) {
        loop {
            let mut state = self.lock();
            let job = loop {
                if self.ended.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(job) = state.take() {
                    break job;
                }
                if state.busy == 0 {
                    return;
                }
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            if !self.perform(own, job, perform) {
                return;
            }
        }
    }

    fn perform<T>(
        &self,
        own: &mut T,
        job: Job<H>,
        perform: &impl Fn(&Self, &mut T, Job<H>) -> Result<(), TreeError>,
    ) -> bool {
        let outcome = self.go_on().and_then(|()| perform(self, own, job));
        let mut state = self.lock();
        state.busy -= 1;
        let done = state.busy == 0 && state.directories.is_empty() && state.batches.is_empty();
        if let Err(failure) = outcome {
            // A thread that stops because another one failed has nothing to tell.
            if !self.ended.swap(true, Ordering::Relaxed) {
                state.failure = Some(failure);
            }
        }
        drop(state);
        let ended = self.ended.load(Ordering::Relaxed);
        if done || ended {
            self.news.notify_all();
        }
        !ended
    }
}

/// What came of entering a directory.
pub(super) enum Entered {
    /// It is held, and has these names in it.
    Directory(Arc<OwnedFd>, Vec<Listed>),
    /// It is there no more, or no directory.
    Gone,
    /// Something is mounted there: as a kernel without statx(2) shows it, or since it was
    /// looked at.
    Mounted,
}

impl Crew<'_, OwnedFd> {
    /// Opens a directory of `tree`, which somebody else may be changing, and lists it.
    ///
    /// # Errors
    /// It can't be opened or listed; [`TreeError::Stopped`].
    pub(super) fn enter(&self, tree: &Tree, path: &Path) -> Result<Entered, TreeError> {
        let fails = |errno| tree.fails(Operation::List, path, errno);
        let held = match tree.open_directory(path) {
            Ok(held) => held,
            Err(errno) if is_gone(errno) => return Ok(Entered::Gone),
            Err(Errno::EXDEV) => return Ok(Entered::Mounted),
            Err(errno) => return Err(fails(errno).into()),
        };
        let listed = list(&held, || self.stops()).map_err(fails)?;
        self.go_on()?;
        Ok(Entered::Directory(Arc::new(held), listed))
    }
}

impl<H> State<H> {
    /// Batches first: they hold descriptors.
    fn take(&mut self) -> Option<Job<H>> {
        let batch = self.batches.pop().map(Job::Files);
        let job = batch.or_else(|| self.directories.pop().map(|(path, want)| Job::Directory(path, want)))?;
        self.busy += 1;
        Some(job)
    }
}
