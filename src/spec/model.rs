//! The spec as it was written: every table and key, with its place. Syntax only: nothing
//! is looked up, computed or defaulted beyond what the file itself says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::cron::Cron;
use super::step_model::{Hooks, Step};
use super::supervision::Supervision;
use super::volume_model::Volume;
use super::wait::Wait;
use crate::diagnostic::{Located, Place, Source};
use crate::process_attributes::ProcessAttributes;
use crate::signal::Signal;

/// A whole spec, its included files merged in.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The file.
    pub source: Arc<Source>,
    /// What the image is called.
    pub image: Image,
    /// What to do about variables nobody declared.
    pub undeclared: Option<Undeclared>,
    /// `[env.NAME]`, in the order of the file, then those of included files.
    pub variables: Vec<Variable>,
    /// `[[rule]]`.
    pub rules: Vec<Rule>,
    /// `[[directory]]`.
    pub directories: Vec<Directory>,
    /// `[[volume]]`, an outer one before those in it.
    pub volumes: Vec<Volume>,
    /// `[[template]]`.
    pub templates: Vec<Template>,
    /// `[[wait]]`, in the order in which they are waited for.
    pub waits: Vec<Wait>,
    /// `[[step]]`, in order; those of included files first.
    pub steps: Vec<Step>,
    /// `[[hooks]]`, in order; those of included files first.
    pub hooks: Vec<Hooks>,
    /// Whether its text asks which start this is, of the container or of a volume.
    pub asks_which_start: bool,
    /// `[service.NAME]`, in the order of the file, then those of included files.
    pub services: Vec<Service>,
    /// `[cron.NAME]`, in the order of the file, then those of included files.
    pub crons: Vec<Cron>,
    /// Whether all is rendered again when a file changes that it was made from.
    pub watch: bool,
    /// Commands that the image prepares for; `None`: all.
    pub prepare_for: Option<Vec<Located<String>>>,
}

impl Spec {
    /// The volumes in the order in which they are declared, those of this file first.
    #[must_use]
    pub fn volumes_as_declared(&self) -> Vec<&Volume> {
        let mut volumes: Vec<&Volume> = self.volumes.iter().collect();
        volumes.sort_by_key(|volume| {
            let place = &volume.path.place;
            (!Arc::ptr_eq(&place.source, &self.source), place.source.name.as_str(), place.span.start)
        });
        volumes
    }

    /// Whether a user or a group is named anywhere: only then do the image's matter.
    #[must_use]
    pub fn names_accounts(&self) -> bool {
        let accesses = self.directories.iter().map(|directory| &directory.access);
        let mut owners = accesses
            .chain(self.templates.iter().map(|template| &template.access))
            .map(|access| &access.owner)
            .chain(self.volumes.iter().map(|volume| &volume.owner));
        owners.any(Option::is_some)
            || self.services.iter().any(Service::names_accounts)
            || self.crons.iter().any(|cron| cron.user.is_some() || cron.group.is_some())
            || self.terms().any(|terms| terms.user.is_some() || terms.group.is_some())
    }
}

/// `[image]`.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Its name.
    pub name: Option<Located<String>>,
    /// Its version.
    pub version: Option<Version>,
}

/// Where the image's version is known from.
#[derive(Clone, Debug)]
pub enum Version {
    /// Written in the spec.
    Literal(Located<String>),
    /// Read from a file of the image.
    File {
        /// The file; relative to the spec's directory.
        path: Located<PathBuf>,
        /// A regular expression whose first group is the version; `None`: the whole file.
        pattern: Option<Located<String>>,
    },
}

/// `[undeclared]`.
#[derive(Clone, Debug)]
pub struct Undeclared {
    /// Names that start so must be declared.
    pub prefixes: Vec<Located<String>>,
    /// What happens to those that aren't.
    pub action: UndeclaredAction,
}

/// `action = "error" | "warn"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeclaredAction {
    /// The start ends.
    Error,
    /// It is said, and the start goes on.
    Warn,
}

/// `[env.NAME]`.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Located<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What its value may be.
    pub kind: Kind,
    /// The only values allowed.
    pub choices: Vec<Located<String>>,
    /// The least value, or length.
    pub min: Option<Located<f64>>,
    /// The greatest value, or length.
    pub max: Option<Located<f64>>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<Located<String>>,
    /// Its value where none was given.
    pub default: Option<Located<Default>>,
    /// It must be given.
    pub required: bool,
    /// It must be given when this is true.
    pub required_if: Option<Located<String>>,
    /// Its value is shown nowhere.
    pub secret: bool,
    /// Whether the service gets the resolved value in its environment. `None`: what was
    /// given passes through unless it is a secret.
    pub export: Option<bool>,
    /// Whether an empty value is one.
    pub keep_empty: bool,
    /// Old names.
    pub aliases: Vec<Located<String>>,
    /// It is made once where none was given.
    pub generate: Option<Generate>,
}

/// `type = "..."`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true`, `false`, and their usual spellings.
    Bool,
    /// A whole number, 64 bits.
    Int,
    /// A finite number.
    Float,
    /// 1 to 65535.
    Port,
    /// A host name or address.
    Host,
    /// `host` or `host:port`.
    HostPort,
    /// `scheme://host...`.
    Url,
    /// `local@domain`.
    Email,
    /// An absolute path.
    Path,
    /// Bytes: `128M`.
    Size,
    /// `30s`.
    Duration,
    /// Values between separators.
    List {
        /// The separator; never empty.
        separator: String,
    },
    /// Any JSON value.
    Json,
}

/// `default = ...`.
#[derive(Clone, Debug, PartialEq)]
pub enum Default {
    /// As text.
    Literal(String),
    /// A template whose text is the value.
    Computed(String),
    /// The items of a list.
    Items(Vec<String>),
}

/// `generate = { ... }` with its `scope`.
#[derive(Clone, Debug)]
pub struct Generate {
    /// Where it stands.
    pub place: Place,
    /// How many characters.
    pub length: usize,
    /// Of which.
    pub alphabet: Alphabet,
    /// The directory (a volume's) that keeps it; `None`: the container's state.
    pub scope: Option<Located<PathBuf>>,
}

/// `alphabet = "..."` of a generated value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// A-Z, a-z, 0-9.
    Alphanumeric,
    /// 0-9, a-f.
    Hex,
    /// Printable ASCII without the space, quotes, backslash and `$`.
    Printable,
}

impl Alphabet {
    /// Its characters, all ASCII.
    #[must_use]
    pub fn characters(self) -> &'static str {
        match self {
            Self::Alphanumeric => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            Self::Hex => "0123456789abcdef",
            Self::Printable => {
                "!#%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~"
            }
        }
    }
}

/// `[[rule]]`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// An expression that must be true.
    pub assert: Located<String>,
    /// What to tell who breaks it.
    pub message: Option<String>,
}

/// `[[directory]]`.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Absolute.
    pub path: Located<PathBuf>,
    /// Owner and mode.
    pub access: Access,
    /// All below it gets the owner too.
    pub recursive: bool,
}

/// Owner and mode of what is written.
#[derive(Clone, Debug, std::default::Default)]
pub struct Access {
    /// `user`, `user:group`, `:group`, by name or number.
    pub owner: Option<Located<String>>,
    /// Permission bits.
    pub mode: Option<Located<u32>>,
}

/// `[[template]]`.
#[derive(Clone, Debug)]
pub struct Template {
    /// The file, as written.
    pub source: Located<String>,
    /// The directory of the spec that names it: `source` and includes are below it.
    pub directory: PathBuf,
    /// Where it goes: an absolute path, or a template of one.
    pub dest: Located<String>,
    /// The format, where it isn't inferred.
    pub format: Option<Located<String>>,
    /// Owner and mode.
    pub access: Access,
    /// When an existing file is replaced.
    pub overwrite: Overwrite,
    /// A command that must succeed on the rendered file.
    pub validate: Option<Located<Vec<String>>>,
    /// An expression; the file is written only where it is true.
    pub when: Option<Located<String>>,
    /// An expression giving a list: one file for each item.
    pub for_each: Option<Located<String>>,
    /// The services that read it: they are told when it changes while they run.
    pub reload: Vec<Located<String>>,
}

/// `overwrite = "..."`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Whenever it differs.
    Always,
    /// Unless somebody changed what castoff wrote.
    UnlessEdited,
    /// Never.
    IfMissing,
}

/// `[service.NAME]`.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Located<String>,
    /// The command; items may be templates.
    pub command: Located<Vec<Located<String>>>,
    /// Who it runs as.
    pub user: Option<Located<String>>,
    /// Its primary group.
    pub group: Option<Located<String>>,
    /// Groups besides those of its user.
    pub groups: Vec<Located<String>>,
    /// What it gets otherwise than all services.
    pub environment: EnvironmentChange,
    /// What its process has of its own, but for `groups`.
    pub attributes: ProcessAttributes,
    /// Where it runs.
    pub working_directory: Option<Located<PathBuf>>,
    /// What it gets in SIGTERM's place.
    pub stop_signal: Option<Located<Signal>>,
    /// When it is killed after that.
    pub stop_timeout: Option<Located<Duration>>,
    /// How long a stop signal is kept back before it is forwarded.
    pub stop_delay: Option<Located<Duration>>,
    /// Whether ending by the stop signal counts as success.
    pub stop_is_success: bool,
    /// Who gets forwarded signals.
    pub stop_scope: StopScope,
    /// How it lives with others.
    pub supervision: Supervision,
}

impl Service {
    fn names_accounts(&self) -> bool {
        self.user.is_some() || self.group.is_some() || !self.groups.is_empty()
    }
}

/// `environment = { only = [...], remove = [...], add = {...} }`, which work in this order.
#[derive(Clone, Debug, std::default::Default)]
pub struct EnvironmentChange {
    /// The only names that stay; with wildcards.
    pub only: Option<Vec<Located<String>>>,
    /// Names that go; with wildcards.
    pub remove: Vec<Located<String>>,
    /// Names with values, which may be templates.
    pub add: Vec<(String, Located<String>)>,
}

/// `stop-scope = "main" | "group" | "all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopScope {
    /// The main process.
    Main,
    /// Its process group.
    Group,
    /// Every process of the container.
    All,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::diagnostic::Source;
    use crate::spec::parse;

    #[test]
    fn whoever_is_named_is_looked_up() {
        for (text, named) in [
            ("[service.a]\ncommand = [\"a\"]", false),
            ("[service.a]\ncommand = [\"a\"]\n[service.b]\ncommand = [\"b\"]\nuser = \"www\"", true),
            ("[service.a]\ncommand = [\"a\"]\ngroup = \"www\"", true),
            ("[service.a]\ncommand = [\"a\"]\ngroups = [\"video\"]", true),
            ("[cron.c]\nschedule = \"@daily\"\ncommand = [\"c\"]", false),
            ("[cron.c]\nschedule = \"@daily\"\ncommand = [\"c\"]\nuser = \"www\"", true),
            ("[[step]]\nname = \"s\"\ncommand = [\"s\"]", false),
            ("[[step]]\nname = \"s\"\ncommand = [\"s\"]\nuser = \"www\"", true),
            ("[[hooks]]\npath = \"/h\"\nuser = \"www\"", true),
            ("[[directory]]\npath = \"/d\"", false),
            ("[[directory]]\npath = \"/d\"\nowner = \"www\"", true),
            ("[[volume]]\npath = \"/v\"\nowner = \"www\"", true),
            ("[[template]]\nsource = \"t.php\"\ndest = \"/t.php\"\nowner = \":www\"", true),
        ] {
            let source = Source::new("castoff.toml", format!("version = 1\n{text}\n"));
            let document = parse(&source, Path::new(""));
            assert_eq!(document.spec.names_accounts(), named, "{text}");
        }
    }
}
