//! Files of services whose new lines are shown, through rotation: by a new file under the old
//! name, by truncation, and files that come late.
//!
//! inotify(7) tells when to look; what is there decides. Regular files only, never through a
//! link that others could have planted, and a bounded part at a time. A file that was there
//! before castoff is read from its end on, one that comes later from its beginning. What was
//! renamed away is read on until the next rotation: its writer may be slow to let go. What was
//! removed is let go: held open it would hide that its directory is removed, too (inotify(7)
//! tells of that when the last reference is gone).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::voice::{Level, Voice};
use crate::service::log::{Lines, Piece};
use crate::service::tree::Id;
use crate::sys::inotify::{Inotify, News, WatchId};
use crate::sys::log_file::open_log;
use crate::sys::status::{Status, identity_at};

/// So much of one file is read before anything else gets a turn.
const TURN: usize = 64 << 10;

/// All of them.
#[derive(Debug)]
pub(super) struct Follow {
    /// `None`: nothing is followed.
    inotify: Option<Inotify>,
    files: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    id: Id,
    path: PathBuf,
    current: Option<Tail>,
    /// The one before it.
    old: Option<Tail>,
    /// Its directory, or the nearest above it that is there.
    directory: Option<WatchId>,
    /// What was watched in its place before.
    superseded: Vec<WatchId>,
    /// Something may have come to it.
    look: bool,
    /// Something may have come to the directory.
    look_around: bool,
    /// Why it is not read was said.
    refused: bool,
}

#[derive(Debug)]
struct Tail {
    file: File,
    identity: (u64, u64),
    position: u64,
    watch: Option<WatchId>,
    lines: Lines,
}

/// A line of a file, and whose it is.
pub(super) trait Each: FnMut(Id, &Path, Piece<'_>) {}
impl<F: FnMut(Id, &Path, Piece<'_>)> Each for F {}

impl Follow {
    /// Begins to follow: each with the service that it is of.
    pub(super) fn new(wanted: Vec<(Id, PathBuf)>, voice: Voice) -> Self {
        let nothing = Self { inotify: None, files: Vec::new() };
        if wanted.is_empty() {
            return nothing;
        }
        let inotify = match Inotify::new() {
            Ok(inotify) => inotify,
            Err(errno) => {
                let line = format!("no file can be followed: inotify_init1: {}", errno.desc());
                voice.say(Level::Warn, &line);
                return nothing;
            }
        };
        let file = |(id, path)| {
            let mut file = Followed::new(id, path);
            file.watch_directory(&inotify);
            file.find(&inotify, true, voice);
            file
        };
        let files = wanted.into_iter().map(file).collect();
        Self { inotify: Some(inotify), files }
    }

    /// For poll(2).
    pub(super) fn descriptor(&self) -> Option<std::os::fd::RawFd> {
        self.inotify.as_ref().map(Inotify::descriptor)
    }

    /// Takes in what has changed.
    pub(super) fn hear(&mut self) {
        let Some(inotify) = &mut self.inotify else { return };
        let files = &mut self.files;
        inotify.read(|news| {
            for file in &mut *files {
                file.look |= file.is_meant(news);
                file.look_around |= news == News::Lost || file.is_directory(news);
            }
        });
    }

    /// Everything is to be looked at.
    pub(super) fn look_at_all(&mut self) {
        for file in &mut self.files {
            file.look = true;
        }
    }

    /// Whether there may be something to read.
    pub(super) fn has_news(&self) -> bool {
        self.files.iter().any(|file| file.look)
    }

    /// Bytes that are held back until their line ends.
    pub(super) fn held(&self) -> usize {
        self.files.iter().flat_map(Followed::tails).map(|tail| tail.lines.held()).sum()
    }

    /// Reads what is new in each, a bounded part of it.
    pub(super) fn turn(&mut self, voice: Voice, mut each: impl Each) {
        let Some(inotify) = &self.inotify else { return };
        for file in self.files.iter_mut().filter(|file| file.look) {
            file.turn(inotify, voice, &mut each);
        }
        let superseded: Vec<WatchId> =
            self.files.iter_mut().flat_map(|file| std::mem::take(&mut file.superseded)).collect();
        for watch in superseded {
            if self.files.iter().all(|file| file.directory != Some(watch)) {
                inotify.forget(watch);
            }
        }
    }

    /// Gives out the lines that were not ended.
    pub(super) fn finish(&mut self, mut each: impl Each) {
        for file in &mut self.files {
            for tail in [file.old.take(), file.current.take()].into_iter().flatten() {
                tail.end(file.id, &file.path, &mut each);
            }
        }
    }
}

impl Followed {
    fn new(id: Id, path: PathBuf) -> Self {
        Self {
            id,
            path,
            current: None,
            old: None,
            directory: None,
            superseded: Vec::new(),
            look: true,
            look_around: false,
            refused: false,
        }
    }

    fn tails(&self) -> impl Iterator<Item = &Tail> {
        [&self.old, &self.current].into_iter().flatten()
    }

    fn is_directory(&self, news: News) -> bool {
        self.directory.is_some_and(|watch| news == News::Of(watch))
    }

    fn is_meant(&self, news: News) -> bool {
        news == News::Lost
            || self.is_directory(news)
            || self.tails().filter_map(|tail| tail.watch).any(|watch| news == News::Of(watch))
    }

    /// Watches its directory; where that is not there, the nearest above it that is. One that
    /// has come meanwhile is found by trying again, until nothing changes.
    fn watch_directory(&mut self, inotify: &Inotify) {
        let mut reached = None;
        loop {
            let above = self.path.ancestors().skip(1);
            let found = above.zip(0..).find_map(|(path, at)| Some((inotify.watch_directory(path).ok()?, at)));
            let Some((watch, at)) = found else { return };
            if let Some(before) = self.directory.replace(watch).filter(|before| *before != watch) {
                self.superseded.push(before);
            }
            if at == 0 || reached == Some(at) {
                return;
            }
            reached = Some(at);
        }
    }

    fn turn(&mut self, inotify: &Inotify, voice: Voice, each: &mut impl Each) {
        if std::mem::take(&mut self.look_around) || self.directory.is_none() {
            self.watch_directory(inotify);
        }
        let (id, path) = (self.id, self.path.as_path());
        let mut all_read = true;
        for slot in [&mut self.old, &mut self.current] {
            let Some(tail) = slot else { continue };
            let removed = tail.is_removed();
            let read = tail.read(|piece| each(id, path, piece));
            all_read &= read;
            if removed
                && read
                && let Some(tail) = slot.take()
            {
                tail.release(inotify, id, path, each);
            }
        }
        self.look = !all_read;
        if self.look {
            return;
        }
        if self.is_replaced()
            && let Some(tail) = self.find(inotify, false, voice)
            && let Some(old) = std::mem::replace(&mut self.old, tail)
        {
            old.release(inotify, self.id, &self.path, each);
        }
    }

    /// Whether another file has its name than the one that is read.
    fn is_replaced(&self) -> bool {
        let there = identity_at(&self.path);
        there.is_some() && there != self.current.as_ref().map(|tail| tail.identity)
    }

    /// Opens what has its name now. What was read before is given back, if there is something
    /// new; it is to be looked at then.
    #[allow(clippy::option_option, reason = "whether there is a new one, and whether there was one before")]
    fn find(&mut self, inotify: &Inotify, first: bool, voice: Voice) -> Option<Option<Tail>> {
        let found = match open_log(&self.path) {
            Ok(found) => found?,
            Err(reason) => {
                if !std::mem::replace(&mut self.refused, true) {
                    let line = format!("can't follow {}: {reason}", self.path.display());
                    voice.say(Level::Warn, &line);
                }
                return None;
            }
        };
        let (file, status) = found;
        if self.old.as_ref().is_some_and(|old| old.identity == status.identity) {
            // it has got its name back
            std::mem::swap(&mut self.old, &mut self.current);
            self.look = true;
            return None;
        }
        let position = if first { status.size } else { 0 };
        let watch = match inotify.watch_file(&self.path) {
            Ok(watch) => Some(watch),
            Err(errno) => {
                let line = format!("changes of {} are not told: {}", self.path.display(), errno.desc());
                voice.say(Level::Warn, &line);
                None
            }
        };
        self.refused = false;
        self.look = true;
        let new = Tail { file, identity: status.identity, position, watch, lines: Lines::default() };
        Some(self.current.replace(new))
    }
}

impl Tail {
    /// Reads on, from the beginning if it was cut. `true`: to its end.
    fn read(&mut self, mut each: impl FnMut(Piece<'_>)) -> bool {
        if Status::of(&self.file).is_ok_and(|status| status.size < self.position) {
            self.lines.finish(&mut each);
            self.position = 0;
        }
        let mut buffer = [0; 4096];
        for _ in 0..TURN / buffer.len() {
            match self.file.read_at(&mut buffer, self.position) {
                Ok(0) => return true,
                Ok(count) => {
                    self.lines.take(buffer.get(..count).unwrap_or_default(), &mut each);
                    self.position += u64::try_from(count).unwrap_or(0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
        false
    }

    /// Whether it has no name any more.
    fn is_removed(&self) -> bool {
        Status::of(&self.file).is_ok_and(|status| status.links == 0)
    }

    fn release(self, inotify: &Inotify, id: Id, path: &Path, each: &mut impl Each) {
        if let Some(watch) = self.watch {
            inotify.forget(watch);
        }
        self.end(id, path, each);
    }

    fn end(mut self, id: Id, path: &Path, each: &mut impl Each) {
        self.lines.finish(|piece| each(id, path, piece));
    }
}
