//! The bytes of a cron entry's plan. Its schedule goes as it is written, and its zone as the
//! bytes that it was read from.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::bytes::{Reader, Writer};
use crate::observe::zone::LARGEST;
use crate::plan::CronPlan;
use crate::schedule::{Missed, Overlap, ZoneData};

impl Writer {
    pub(super) fn cron(&mut self, cron: &CronPlan) {
        self.string(&cron.name);
        self.program(&cron.program);
        self.string(&cron.expression);
        match &cron.zone {
            ZoneData::Utc => self.byte(0),
            ZoneData::File(bytes) => {
                self.byte(1);
                self.text(&OsString::from_vec(bytes.clone()));
            }
            ZoneData::Rule(rule) => {
                self.byte(2);
                self.string(rule);
            }
        }
        self.byte(match cron.overlap {
            Overlap::Skip => 0,
            Overlap::Allow => 1,
        });
        self.byte(match cron.missed {
            Missed::Skip => 0,
            Missed::RunOnce => 1,
        });
        self.option(cron.timeout.as_ref(), |out, limit| out.duration(*limit));
        self.duration(cron.jitter);
        self.form(cron.log);
    }
}

impl Reader<'_> {
    pub(super) fn cron(&mut self) -> Option<CronPlan> {
        Some(CronPlan {
            name: self.string()?,
            program: self.program()?,
            expression: self.string()?,
            zone: self.zone()?,
            overlap: *[Overlap::Skip, Overlap::Allow].get(self.index()?)?,
            missed: *[Missed::Skip, Missed::RunOnce].get(self.index()?)?,
            timeout: self.option(Reader::duration)?,
            jitter: self.duration()?,
            log: self.form()?,
        })
    }

    fn zone(&mut self) -> Option<ZoneData> {
        Some(match self.byte()? {
            0 => ZoneData::Utc,
            1 => {
                let bytes = self.text()?.into_vec();
                let length = u64::try_from(bytes.len()).ok()?;
                (length <= LARGEST).then_some(ZoneData::File(bytes))?
            }
            2 => ZoneData::Rule(self.string()?),
            _ => return None,
        })
    }
}
