//! The bytes of a plan of several services, and of what is looked at for one of them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::bytes::{Reader, Writer};
use crate::plan::{CheckPlan, ControlWish, Endpoint, Look, ServicePlan, Sign, Target, TreePlan};
use crate::protocol::Conversation;
use crate::restart_limit::RestartLimit;
use crate::service::BackoffPolicy;
use crate::service::log::Form;
use crate::service::tree::{CheckRule, GiveUp, Id, Readiness, Restart, Rules, StopRule};
use crate::sys::file_version::FileVersion;

impl Writer {
    pub(super) fn tree(&mut self, tree: &TreePlan) {
        self.sequence(&tree.services, |out, service| {
            out.string(&service.name);
            out.program(&service.program);
            out.rules(&service.rules);
            out.option(service.sign.as_ref(), Self::sign);
            out.option(service.check.as_ref(), |out, check| {
                out.look(&check.look);
                out.duration(check.timeout);
            });
            out.form(service.log);
            out.sequence(&service.follow, |out, path| out.text(path.as_os_str()));
        });
        self.sequence(&tree.crons, Self::cron);
        self.duration(tree.grace);
        self.subreaper(tree.subreaper);
        self.codes(&tree.remap_exit);
        self.byte(tree.coloured.into());
        self.option(tree.start.as_ref(), |out, fd| out.signed(*fd));
        self.control(&tree.control);
        self.sequence(&tree.watch, |out, (path, version)| {
            out.text(path.as_os_str());
            let FileVersion { identity: (device, inode), size, changed: (seconds, nanoseconds) } = *version;
            for number in [device, inode, size, seconds.cast_unsigned(), nanoseconds.cast_unsigned()] {
                out.long(number);
            }
        });
    }

    pub(super) fn form(&mut self, form: Form) {
        self.byte(match form {
            Form::Pass => 0,
            Form::Prefix => 1,
            Form::Json => 2,
        });
    }

    fn control(&mut self, wish: &ControlWish) {
        match wish {
            ControlWish::Usual => self.byte(0),
            ControlWish::Nowhere => self.byte(1),
            ControlWish::At(path) => {
                self.byte(2);
                self.text(path.as_os_str());
            }
        }
    }

    fn rules(&mut self, rules: &Rules) {
        let id = |out: &mut Self, id: &Id| out.length(id.0);
        self.sequence(&rules.after, id);
        self.sequence(&rules.requires, id);
        self.byte(rules.essential.into());
        self.byte(match rules.restart {
            Restart::No => 0,
            Restart::OnFailure => 1,
            Restart::Always => 2,
        });
        self.duration(rules.backoff.first);
        self.duration(rules.backoff.max);
        self.duration(rules.backoff.stable_after);
        self.option(rules.backoff.limit.as_ref(), |out, limit| {
            out.number(limit.count.into());
            out.duration(limit.window);
        });
        self.byte(match rules.gives_up {
            GiveUp::End => 0,
            GiveUp::Ignore => 1,
        });
        match rules.readiness {
            Readiness::AtOnce => self.byte(0),
            Readiness::After(delay) => {
                self.byte(1);
                self.duration(delay);
            }
            Readiness::Told(limit) => {
                self.byte(2);
                self.option(limit.as_ref(), |out, limit| out.duration(*limit));
            }
        }
        self.option(rules.watchdog.as_ref(), |out, limit| out.duration(*limit));
        self.option(rules.check.as_ref(), |out, check| {
            out.duration(check.interval);
            out.number(check.retries);
        });
        self.signal(rules.stop.signal);
        self.scope(rules.stop.scope);
        self.option(rules.stop.timeout.as_ref(), |out, limit| out.duration(*limit));
        self.byte(rules.stop.is_success.into());
        self.option(rules.reload.as_ref(), |out, signal| out.signal(*signal));
        self.sequence(&rules.forwards, |out, signal| out.signal(*signal));
        self.sequence(&rules.success, |out, code| out.code(*code));
    }

    fn sign(&mut self, sign: &Sign) {
        match sign {
            Sign::Notify => self.byte(0),
            Sign::Descriptor(number) => {
                self.byte(1);
                self.signed(*number);
            }
            Sign::Seen(look) => {
                self.byte(2);
                self.look(look);
            }
        }
    }

    pub(super) fn look(&mut self, look: &Look) {
        self.string(&look.shown);
        self.byte(look.hides.into());
        self.duration(look.interval);
        match &look.target {
            Target::Server(endpoint, conversation) => {
                self.byte(0);
                self.endpoint(endpoint);
                self.option(conversation.as_ref(), Self::conversation);
            }
            Target::File(path) => {
                self.byte(1);
                self.text(path.as_os_str());
            }
            Target::Command(argv) => {
                self.byte(2);
                self.sequence(argv, |out, word| out.text(word));
            }
        }
    }

    fn endpoint(&mut self, endpoint: &Endpoint) {
        match endpoint {
            Endpoint::Host(host, port) => {
                self.byte(0);
                self.string(host);
                self.number((*port).into());
            }
            Endpoint::Socket(path) => {
                self.byte(1);
                self.text(path.as_os_str());
            }
        }
    }

    fn conversation(&mut self, conversation: &Conversation) {
        match conversation {
            Conversation::Http { request, status } => {
                self.byte(0);
                self.text(&OsString::from_vec(request.clone()));
                self.number((*status.start()).into());
                self.number((*status.end()).into());
            }
            Conversation::Mysql => self.byte(1),
            Conversation::Postgres => self.byte(2),
            Conversation::Redis => self.byte(3),
        }
    }
}

impl Reader<'_> {
    pub(super) fn tree(&mut self) -> Option<TreePlan> {
        let tree = TreePlan {
            services: self.sequence(|input| {
                Some(ServicePlan {
                    name: input.string()?,
                    program: input.program()?,
                    rules: input.rules()?,
                    sign: input.option(Reader::sign)?,
                    check: input.option(|input| {
                        Some(CheckPlan { look: input.look()?, timeout: input.duration()? })
                    })?,
                    log: input.form()?,
                    follow: input.sequence(|input| input.text().map(PathBuf::from))?,
                })
            })?,
            crons: self.sequence(Reader::cron)?,
            grace: self.duration()?,
            subreaper: self.subreaper()?,
            remap_exit: self.codes()?,
            coloured: self.flag()?,
            start: self.option(Reader::signed)?,
            control: self.control()?,
            watch: self.sequence(|input| {
                let path = PathBuf::from(input.text()?);
                let (identity, size) = ((input.long()?, input.long()?), input.long()?);
                let changed = (input.long()?.cast_signed(), input.long()?.cast_signed());
                Some((path, FileVersion { identity, size, changed }))
            })?,
        };
        // the machine takes ids for the places of services
        let count = tree.services.len();
        let mut ids = tree
            .services
            .iter()
            .flat_map(|service| service.rules.after.iter().chain(&service.rules.requires));
        ids.all(|id| id.0 < count).then_some(())?;
        Some(tree)
    }

    pub(super) fn form(&mut self) -> Option<Form> {
        [Form::Pass, Form::Prefix, Form::Json].get(self.index()?).copied()
    }

    fn control(&mut self) -> Option<ControlWish> {
        Some(match self.byte()? {
            0 => ControlWish::Usual,
            1 => ControlWish::Nowhere,
            2 => ControlWish::At(PathBuf::from(self.text()?)),
            _ => return None,
        })
    }

    fn rules(&mut self) -> Option<Rules> {
        let id = |input: &mut Self| input.length().map(Id);
        Some(Rules {
            after: self.sequence(id)?,
            requires: self.sequence(id)?,
            essential: self.flag()?,
            restart: *[Restart::No, Restart::OnFailure, Restart::Always].get(self.index()?)?,
            backoff: BackoffPolicy {
                first: self.duration()?,
                max: self.duration()?,
                stable_after: self.duration()?,
                limit: self.option(|input| {
                    let count = input.number()?.try_into().ok()?;
                    Some(RestartLimit { count, window: input.duration()? })
                })?,
            },
            gives_up: *[GiveUp::End, GiveUp::Ignore].get(self.index()?)?,
            readiness: match self.byte()? {
                0 => Readiness::AtOnce,
                1 => Readiness::After(self.duration()?),
                2 => Readiness::Told(self.option(Reader::duration)?),
                _ => return None,
            },
            watchdog: self.option(Reader::duration)?,
            check: self
                .option(|input| Some(CheckRule { interval: input.duration()?, retries: input.number()? }))?,
            stop: StopRule {
                signal: self.signal()?,
                scope: self.scope()?,
                timeout: self.option(Reader::duration)?,
                is_success: self.flag()?,
            },
            reload: self.option(Reader::signal)?,
            forwards: self.sequence(Reader::signal)?,
            success: self.sequence(Reader::code)?,
        })
    }

    fn sign(&mut self) -> Option<Sign> {
        Some(match self.byte()? {
            0 => Sign::Notify,
            1 => Sign::Descriptor(self.signed()?),
            2 => Sign::Seen(self.look()?),
            _ => return None,
        })
    }

    pub(super) fn look(&mut self) -> Option<Look> {
        let (shown, hides, interval) = (self.string()?, self.flag()?, self.duration()?);
        let target = match self.byte()? {
            0 => Target::Server(self.endpoint()?, self.option(Reader::conversation)?),
            1 => Target::File(PathBuf::from(self.text()?)),
            2 => Target::Command(self.sequence(Reader::text)?),
            _ => return None,
        };
        Some(Look { shown, hides, target, interval })
    }

    fn endpoint(&mut self) -> Option<Endpoint> {
        Some(match self.byte()? {
            0 => Endpoint::Host(self.string()?, self.number()?.try_into().ok()?),
            1 => Endpoint::Socket(PathBuf::from(self.text()?)),
            _ => return None,
        })
    }

    fn conversation(&mut self) -> Option<Conversation> {
        Some(match self.byte()? {
            0 => {
                let request = self.text()?.into_vec();
                let (first, last) = (self.number()?.try_into().ok()?, self.number()?.try_into().ok()?);
                Conversation::Http { request, status: first..=last }
            }
            1 => Conversation::Mysql,
            2 => Conversation::Postgres,
            3 => Conversation::Redis,
            _ => return None,
        })
    }
}
