//! When something is due: cron expressions, time zones, and the next time of both together.

mod calendar;
mod expression;
mod field;
mod mistake;
mod next;
mod terms;
mod zone;

pub use calendar::Calendar;
pub use expression::Schedule;
pub use mistake::Mistake;
pub use terms::{Missed, Overlap};
pub use zone::{Zone, ZoneData, ZoneError};
