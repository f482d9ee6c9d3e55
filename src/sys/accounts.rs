//! Users and groups of the image, from its own /etc/passwd and /etc/group.
//!
//! Pure functions over the two files' bytes; never getpwnam(3), which in a static binary
//! loads shared objects that an image may lack. A line that passwd(5) or group(5) would not
//! have is skipped. As with chown(1), a name is looked up before it is taken as a number,
//! and a number needs no entry.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file_error::{Cause, FileError, Operation};
use super::files::{look, read_open};
use super::path_walk::Base;
use super::status::Kind;
use crate::diagnostic::{Diagnostic, nearest};

/// The most that is read of either file, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// (uid_t) -1 means "as it is" to chown(2) and is nobody's number.
const NOBODYS_ID: u32 = u32::MAX;

/// A line of /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Login group.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
}

/// A line of /etc/group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Login names.
    pub members: Vec<String>,
}

/// Both files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

/// Everything about a user that a process of theirs needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Login name; `None`: a number without an entry.
    pub name: Option<String>,
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Supplementary groups, the primary one first, none twice.
    pub groups: Vec<u32>,
    /// Home directory; `/` without an entry.
    pub home: PathBuf,
}

/// Who a file shall belong to; `None`: that half stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Owner {
    /// User id.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
}

/// Why a user, group or owner can't be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// No entry in /etc/passwd, and not a number.
    UnknownUser {
        /// As it was written.
        name: String,
        /// A known name that may be meant.
        nearest: Option<String>,
    },
    /// No entry in /etc/group, and not a number.
    UnknownGroup {
        /// As it was written.
        name: String,
        /// A known name that may be meant.
        nearest: Option<String>,
    },
    /// A number without an entry has no login group.
    NoLoginGroup {
        /// The number.
        uid: u32,
    },
    /// Neither a user nor a group is given.
    Empty,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUser { name, .. } => write!(f, "there is no user `{name}` in /etc/passwd"),
            Self::UnknownGroup { name, .. } => write!(f, "there is no group `{name}` in /etc/group"),
            Self::NoLoginGroup { uid } => {
                write!(f, "uid {uid} has no entry in /etc/passwd, so its group is not known")
            }
            Self::Empty => f.write_str("neither a user nor a group is given"),
        }
    }
}

impl std::error::Error for AccountError {}

/// The spec names somebody whom the image does not have.
impl From<&AccountError> for Diagnostic {
    fn from(error: &AccountError) -> Self {
        let diagnostic = Self::spec(error.to_string());
        match error {
            AccountError::UnknownUser { nearest, .. } | AccountError::UnknownGroup { nearest, .. } => {
                match nearest {
                    Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
                    None => diagnostic.help("add it to the image, or give its number"),
                }
            }
            AccountError::NoLoginGroup { uid } => diagnostic.help(format!("write `{uid}:GROUP`")),
            AccountError::Empty => diagnostic.help("write USER, USER:GROUP or :GROUP, by name or number"),
        }
    }
}

impl Accounts {
    /// From the bytes of the two files.
    #[must_use]
    pub fn parse(passwd: &[u8], group: &[u8]) -> Self {
        Self { users: parse_passwd(passwd), groups: parse_group(group) }
    }

    /// From /etc/passwd and /etc/group below `base`. A missing file has no entries.
    ///
    /// # Errors
    /// A file that exists and can't be read, or is larger than 16 MiB.
    pub fn read(base: &Base) -> Result<Self, FileError> {
        let passwd = read_below(base, Path::new("/etc/passwd"))?;
        let group = read_below(base, Path::new("/etc/group"))?;
        Ok(Self::parse(&passwd, &group))
    }

    /// A user by `USER` or `USER:GROUP`, names or numbers. With a group given, the user has
    /// that one alone, as Docker's `--user` has it.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub fn identity(&self, text: &str) -> Result<Identity, AccountError> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) if !group.is_empty() => (user, Some(self.group(group)?)),
            Some((user, _)) => (user, None),
            None => (text, None),
        };
        let (uid, entry) = self.user(user)?;
        let (gid, groups) = match (group, entry) {
            (Some(gid), _) => (gid, vec![gid]),
            (None, Some(entry)) => (entry.gid, self.groups_of(entry)),
            (None, None) => return Err(AccountError::NoLoginGroup { uid }),
        };
        let home = entry.map_or_else(|| PathBuf::from("/"), |entry| entry.home.clone());
        Ok(Identity { name: entry.map(|entry| entry.name.clone()), uid, gid, groups, home })
    }

    /// A group's number, by name or number.
    ///
    /// # Errors
    /// [`AccountError::UnknownGroup`].
    pub fn group(&self, text: &str) -> Result<u32, AccountError> {
        let entry = self.groups.iter().find(|group| group.name == text);
        entry.map(|group| group.gid).or_else(|| parse_id(text)).ok_or_else(|| {
            let known = self.groups.iter().map(|group| group.name.as_str());
            AccountError::UnknownGroup {
                name: text.to_owned(),
                nearest: nearest(text, known).map(str::to_owned),
            }
        })
    }

    /// `USER`, `USER:GROUP`, `:GROUP`, or `USER:` for the user's login group, as chown(1).
    ///
    /// # Errors
    /// See [`AccountError`].
    pub fn owner(&self, text: &str) -> Result<Owner, AccountError> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        match (user, group) {
            ("", None | Some("")) => Err(AccountError::Empty),
            ("", Some(group)) => Ok(Owner { uid: None, gid: Some(self.group(group)?) }),
            (user, None) => Ok(Owner { uid: Some(self.user(user)?.0), gid: None }),
            (user, Some("")) => {
                let (uid, entry) = self.user(user)?;
                let entry = entry.ok_or(AccountError::NoLoginGroup { uid })?;
                Ok(Owner { uid: Some(uid), gid: Some(entry.gid) })
            }
            (user, Some(group)) => Ok(Owner { uid: Some(self.user(user)?.0), gid: Some(self.group(group)?) }),
        }
    }

    fn user(&self, text: &str) -> Result<(u32, Option<&User>), AccountError> {
        if let Some(user) = self.users.iter().find(|user| user.name == text) {
            return Ok((user.uid, Some(user)));
        }
        if let Some(uid) = parse_id(text) {
            return Ok((uid, self.users.iter().find(|user| user.uid == uid)));
        }
        let known = self.users.iter().map(|user| user.name.as_str());
        Err(AccountError::UnknownUser {
            name: text.to_owned(),
            nearest: nearest(text, known).map(str::to_owned),
        })
    }

    fn groups_of(&self, user: &User) -> Vec<u32> {
        let mut groups = vec![user.gid];
        for group in self.groups.iter().filter(|group| group.members.contains(&user.name)) {
            if !groups.contains(&group.gid) {
                groups.push(group.gid);
            }
        }
        groups
    }
}

fn read_below(base: &Base, path: &Path) -> Result<Vec<u8>, FileError> {
    let Some(location) = base.find(path)? else { return Ok(Vec::new()) };
    let Some(entry) = look(&location)? else { return Ok(Vec::new()) };
    match entry.file {
        Some(Ok(file)) => read_open(&file, location.path(), LARGEST_FILE),
        Some(Err(error)) => Err(error),
        None => {
            let cause = Cause::WrongKind { found: entry.status.kind, expected: Kind::Regular };
            Err(FileError::new(Operation::Read, location.path(), cause))
        }
    }
}

/// The lines of a passwd(5) file: `name:password:uid:gid:comment:home:shell`.
#[must_use]
pub fn parse_passwd(content: &[u8]) -> Vec<User> {
    lines(content)
        .filter_map(|line| match line.as_slice() {
            [name, _, uid, gid, _, home, _] => Some(User {
                name: parse_name(name)?,
                uid: parse_id_bytes(uid)?,
                gid: parse_id_bytes(gid)?,
                home: PathBuf::from(OsStr::from_bytes(home)),
            }),
            _ => None,
        })
        .collect()
}

/// The lines of a group(5) file: `name:password:gid:member,member`.
#[must_use]
pub fn parse_group(content: &[u8]) -> Vec<Group> {
    lines(content)
        .filter_map(|line| match line.as_slice() {
            [name, _, gid, members] => Some(Group {
                name: parse_name(name)?,
                gid: parse_id_bytes(gid)?,
                members: members.split(|byte| *byte == b',').filter_map(parse_name).collect(),
            }),
            _ => None,
        })
        .collect()
}

fn lines(content: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    content.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':').collect())
}

/// `None` for comments and for the `+` and `-` lines of NIS (nsswitch.conf(5)).
fn parse_name(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?.trim();
    let usable = !name.is_empty() && !name.starts_with(['#', '+', '-']);
    usable.then(|| name.to_owned())
}

fn parse_id_bytes(digits: &[u8]) -> Option<u32> {
    parse_id(std::str::from_utf8(digits).ok()?)
}

fn parse_id(digits: &str) -> Option<u32> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten().filter(|id| *id != NOBODYS_ID)
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
