//! From what is wanted and what is there to steps. Pure: everything it needs is given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::diff;
use super::step::{Hidden, Kept, KeptReason, Plan, Planned, Secrets, Spared, Step, Validation, Why};
use super::volume::{VolumeLock, VolumeWish};
use super::wait::Wait;
use crate::diagnostic::{Diagnostic, Located};
use crate::exit::ExitCode;
use crate::observe::target::{Content, Found, Target};
use crate::render::{Output, Outputs};
use crate::spec::{Access, Directory, Overwrite, Template};
use crate::state::{Written, digest};
use crate::sys::accounts::{Accounts, Owner};
use crate::sys::attributes::Attributes;
use crate::sys::status::{Kind, Status};

/// Permission bits of a new file that the spec says nothing about.
const FILE_MODE: u32 = 0o644;
/// The same where the file holds a secret.
const SECRET_FILE_MODE: u32 = 0o600;
/// Permission bits of a new directory.
const DIRECTORY_MODE: u32 = 0o755;

/// All that is wanted, and all that is known.
#[derive(Debug)]
pub struct Wishes<'a> {
    /// `[[directory]]`.
    pub directories: &'a [Directory],
    /// `[[volume]]`, with what is recorded of each.
    pub volumes: &'a [VolumeWish<'a>],
    /// The image's version.
    pub version: Option<&'a str>,
    /// The rendered files.
    pub outputs: &'a Outputs<'a>,
    /// Secrets to keep, by scope.
    pub generated: Vec<NewSecrets>,
    /// What is waited for.
    pub waits: Vec<Wait>,
    /// What stands at each destination and directory.
    pub targets: &'a BTreeMap<PathBuf, Target>,
    /// What castoff wrote before.
    pub written: &'a Written,
    /// The image's users and groups; `None`: owners are not set (rendering elsewhere).
    pub accounts: Option<&'a Accounts>,
    /// Whether castoff may give files to others, as root may.
    pub gives_away: bool,
}

/// Secrets that were just generated.
#[derive(Clone)]
pub struct NewSecrets {
    /// The volume's directory that keeps them; `None`: the container's state.
    pub scope: Option<PathBuf>,
    /// Names and values.
    pub values: Vec<(String, String)>,
}

/// Never shows values.
impl std::fmt::Debug for NewSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecrets").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Makes the steps.
///
/// # Errors
/// Owners that the image doesn't know; destinations that can't be written.
pub fn build(wishes: &Wishes<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let mut builder = Builder { wishes, plan: Plan::default(), problems: Vec::new() };
    for secrets in &wishes.generated {
        let NewSecrets { scope, values } = secrets.clone();
        let step = Step::KeepGenerated { scope, values };
        builder.plan.steps.push(Planned { step, why: Why::NotGenerated, diff: None, obstacle: None });
    }
    let inside = |directory: &&Directory| wishes.volumes.iter().any(|volume| volume.holds(directory));
    for directory in wishes.directories.iter().filter(|directory| !inside(directory)) {
        builder.directory(directory);
    }
    builder.volumes();
    // those in a volume take their place in what fills it
    for directory in wishes.directories.iter().filter(inside) {
        builder.directory(directory);
    }
    for template in &wishes.outputs.skipped {
        let path = PathBuf::from(&template.dest.value);
        builder.plan.kept.push(Kept { path, reason: KeptReason::NotWanted });
    }
    for output in &wishes.outputs.files {
        builder.check_place(output);
        builder.file(output);
    }
    for wait in &wishes.waits {
        builder.push(Step::Wait(wait.clone()), Why::Asked, None);
    }
    if builder.problems.is_empty() { Ok(builder.plan) } else { Err(builder.problems) }
}

/// Owners that the image doesn't know, of all that is wanted whatever the values are.
#[must_use]
pub fn check_owners(
    directories: &[Directory],
    templates: &[Template],
    accounts: &Accounts,
) -> Vec<Diagnostic> {
    let always = templates.iter().filter(|template| template.when.is_none());
    let accesses = directories.iter().map(|directory| &directory.access);
    let owners = accesses.chain(always.map(|template| &template.access));
    owners.filter_map(|access| find_owner(access.owner.as_ref()?, accounts).err()).collect()
}

fn find_owner(owner: &Located<String>, accounts: &Accounts) -> Result<Owner, Diagnostic> {
    accounts.owner(&owner.value).map_err(|error| Diagnostic::from(&error).at(&owner.place, "named here"))
}

struct Builder<'a> {
    wishes: &'a Wishes<'a>,
    plan: Plan,
    problems: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn found(&self, path: &Path) -> Option<&Target> {
        self.wishes.targets.get(path)
    }

    fn keep(&mut self, path: &Path, reason: KeptReason) {
        self.plan.kept.push(Kept { path: path.to_owned(), reason });
    }

    fn push(&mut self, step: Step, why: Why, diff: Option<String>) {
        let replaced = match &step {
            Step::Write { path, .. } => Some(path),
            Step::Directory { path, .. } if why == Why::Missing => Some(path),
            Step::Fill(_)
            | Step::Directory { .. }
            | Step::Own { .. }
            | Step::Adjust { .. }
            | Step::KeepGenerated { .. }
            | Step::Wait(_) => None,
        };
        let obstacle = replaced.and_then(|path| self.found(path)?.obstacle.clone());
        self.plan.steps.push(Planned { step, why, diff, obstacle });
    }

    fn owner(&mut self, owner: Option<&Located<String>>) -> Owner {
        let (Some(owner), Some(accounts)) = (owner, self.wishes.accounts) else { return Owner::default() };
        find_owner(owner, accounts).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Owner::default()
        })
    }

    fn volumes(&mut self) {
        let files = self.wishes.outputs.files.iter().map(|output| output.dest.clone());
        let volumes = self.wishes.volumes.iter().map(|wish| wish.volume.path.value.clone());
        let others: Vec<PathBuf> = volumes.chain(files).collect();
        for wish in self.wishes.volumes {
            let owner = self.owner(wish.volume.owner.as_ref());
            match wish.filling(self.wishes.version, owner, &others) {
                Ok(None) if wish.volume.seed.is_none() => {}
                Ok(None) => self.keep(&wish.volume.path.value, KeptReason::Complete),
                Ok(Some(filling)) => {
                    self.plan.locks.push(VolumeLock::of(wish.volume));
                    self.push(Step::Fill(Box::new(filling)), Why::Recorded, None);
                }
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn directory(&mut self, directory: &Directory) {
        let path = &directory.path.value;
        let owner = self.owner(directory.access.owner.as_ref());
        let mode = directory.access.mode.as_ref().map(|mode| mode.value);
        let (why, attributes) = match self.found(path).map(|target| &target.found) {
            Some(Found::Directory { status }) => {
                let mode = mode.unwrap_or(status.mode);
                let attributes = Attributes { mode, uid: owner.uid, gid: owner.gid };
                let right = attributes.hold_for(status);
                (if right { None } else { Some(Why::AttributesDiffer) }, attributes)
            }
            _ => {
                let mode = mode.unwrap_or(DIRECTORY_MODE);
                (Some(Why::Missing), Attributes { mode, uid: owner.uid, gid: owner.gid })
            }
        };
        // a directory that is made has nothing in it
        if directory.recursive && why != Some(Why::Missing) {
            let step = Step::Own { path: path.clone(), owner, spared: self.spared(directory) };
            self.push(step, Why::Recursive, None);
        }
        match why {
            None => self.keep(path, KeptReason::Unchanged),
            Some(why) => self.push(Step::Directory { path: path.clone(), attributes }, why, None),
        }
    }

    /// What others than this directory say the owner of: other directories, volumes and
    /// templates.
    fn spared(&self, directory: &Directory) -> Vec<Spared> {
        let outer = &directory.path.value;
        let others = self.wishes.directories.iter().filter(|other| other.path.value != *outer);
        let directories = others.map(|other| (other.path.value.as_path(), other.recursive));
        let files = self.wishes.outputs.files.iter().map(|output| (output.dest.as_path(), false));
        let spared = |(path, with_all_below): (&Path, bool)| Spared { path: path.to_owned(), with_all_below };
        let owned =
            self.wishes.volumes.iter().map(|wish| wish.volume).filter(|volume| volume.owner.is_some());
        let volumes = owned.map(|volume| volume.path.value.as_path()).filter(|path| path != outer);
        directories.chain(volumes.map(|path| (path, true))).chain(files).map(spared).collect()
    }

    fn file(&mut self, output: &Output<'_>) {
        self.validation(output);
        let path = output.dest.as_path();
        let content = output.rendered.content.as_bytes();
        let target = self.found(path);
        if target.is_some_and(|target| target.mount_point) {
            return self.keep(path, KeptReason::MountPoint);
        }
        let found = target.map_or(Found::Missing, |target| target.found.clone());
        if let Some(reason) = self.policy(output, &found) {
            return self.keep(path, reason);
        }
        let attributes = self.attributes(&output.template.access, &found, output.rendered.hides());
        // what not everybody may read now may be a secret that no variable holds any more
        let is_private = matches!(&found, Found::File { status, .. } if status.mode & 0o004 == 0);
        let (why, old) = match found {
            Found::Missing | Found::MissingDirectory => (Why::Missing, None),
            Found::File { content: Content::Whole(old), status } if old == content => {
                if attributes.hold_for(&status) {
                    return self.keep(path, KeptReason::Unchanged);
                }
                let step = Step::Adjust { path: path.to_owned(), attributes, content: content.to_vec() };
                return self.push(step, Why::AttributesDiffer, None);
            }
            Found::File { content: Content::Whole(old), .. } => (Why::ContentDiffers, Some(old)),
            Found::File { content: Content::TooLarge | Content::Unreadable(_), .. } => {
                (Why::ContentDiffers, None)
            }
            Found::Directory { .. } => return self.directory_in_the_way(output),
            Found::Symlink => (Why::OtherKind(Kind::Symlink), None),
            Found::Other(kind) => (Why::OtherKind(kind), None),
        };
        let shown = diff::unified(
            &path.display().to_string(),
            old.as_deref(),
            &output.rendered.shown,
            output.rendered.hides() || is_private,
        );
        let remember = (output.template.overwrite == Overwrite::UnlessEdited).then(|| digest(content));
        let step = Step::Write { path: path.to_owned(), content: content.to_vec(), attributes, remember };
        self.push(step, why, Some(shown));
    }

    fn directory_in_the_way(&mut self, output: &Output<'_>) {
        let problem =
            Diagnostic::error(ExitCode::CANT_CREATE, format!("{} is a directory", output.dest.display()));
        self.problems.push(problem.at(&output.template.dest.place, "a file is to be written there"));
    }

    /// Why the file stays although its content may differ.
    fn policy(&self, output: &Output<'_>, found: &Found) -> Option<KeptReason> {
        if matches!(found, Found::Missing | Found::MissingDirectory) {
            return None;
        }
        match output.template.overwrite {
            Overwrite::Always => None,
            Overwrite::IfMissing => Some(KeptReason::Exists),
            Overwrite::UnlessEdited => self.edited(output, found),
        }
    }

    fn edited(&self, output: &Output<'_>, found: &Found) -> Option<KeptReason> {
        let Found::File { content: Content::Whole(now), .. } = found else {
            return Some(KeptReason::NotOurs);
        };
        if now == output.rendered.content.as_bytes() {
            return None;
        }
        match self.wishes.written.get(&output.dest) {
            Some(known) if *known == digest(now) => None,
            Some(_) => Some(KeptReason::Edited),
            None => Some(KeptReason::NotOurs),
        }
    }

    /// What the spec says; else what an existing file has, its owner only where castoff can
    /// give files away; else the defaults. A file with a
    /// secret never keeps rights of everybody that the spec doesn't ask for.
    fn attributes(&mut self, access: &Access, found: &Found, secret: bool) -> Attributes {
        let owner = self.owner(access.owner.as_ref());
        let wanted = access.mode.as_ref().map(|mode| mode.value);
        match found {
            Found::File { status: Status { mode, uid, gid, .. }, .. } => {
                let inherited = if secret { *mode & !0o007 } else { *mode };
                let keeps_owner = self.wishes.accounts.is_some() && self.wishes.gives_away;
                Attributes {
                    mode: wanted.unwrap_or(inherited),
                    uid: owner.uid.or(keeps_owner.then_some(*uid)),
                    gid: owner.gid.or(keeps_owner.then_some(*gid)),
                }
            }
            _ => {
                let default = if secret { SECRET_FILE_MODE } else { FILE_MODE };
                Attributes { mode: wanted.unwrap_or(default), uid: owner.uid, gid: owner.gid }
            }
        }
    }

    /// What is to be a file can't be a directory too, for others to lie in.
    fn check_place(&mut self, output: &Output<'_>) {
        let dest = &output.dest;
        let directories = self.wishes.directories.iter().map(|directory| &directory.path);
        let inside = directories.filter(|path| path.value.starts_with(dest)).map(|path| &path.place);
        let files = self.wishes.outputs.files.iter().filter(|other| other.dest != *dest);
        let below =
            files.filter(|other| other.dest.starts_with(dest)).map(|other| &other.template.dest.place);
        if let Some(place) = inside.chain(below).next() {
            let title = format!("{} can't be a file and a directory", dest.display());
            let problem = Diagnostic::spec(title).at(&output.template.dest.place, "to be a file");
            self.problems.push(problem.and_at(place, "to be a directory"));
        }
    }

    fn validation(&mut self, output: &Output<'_>) {
        if let Some(command) = &output.template.validate {
            self.plan.validations.push(Validation {
                dest: output.dest.clone(),
                command: command.value.clone(),
                place: command.place.clone(),
                content: Hidden(output.rendered.content.clone().into_bytes()),
                secrets: Secrets(output.rendered.hidden.clone()),
            });
        }
    }
}
