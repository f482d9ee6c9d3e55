//! How castoff stands among the processes around it, in three ways.

use super::launch::{Launch, Place, namespaces_work};

/// How castoff stands to the orphans around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Setting {
    /// They go to somebody else.
    Plain,
    /// Those of its own descendants come to it.
    Subreaper,
    /// As PID 1 it gets all of its namespace.
    Init,
}

impl Setting {
    /// castoff with these arguments there.
    pub(crate) fn castoff(self, arguments: &[&str]) -> Launch {
        let own: &[&str] = if self == Self::Plain { &["--subreaper", "never"] } else { &[] };
        let place = if self == Self::Init { Place::Init } else { Place::Child };
        Launch::castoff([]).arguments(own).arguments(arguments).place(place)
    }

    /// Whether what a service leaves behind is castoff's.
    pub(crate) fn gets_orphans(self) -> bool {
        self != Self::Plain
    }
}

/// Runs a test in each setting that this machine allows.
pub(crate) fn each_setting(test: impl Fn(Setting)) {
    test(Setting::Plain);
    test(Setting::Subreaper);
    if namespaces_work() {
        test(Setting::Init);
    }
}
