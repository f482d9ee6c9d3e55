//! What castoff promises, mode by mode, asked of the real binary in a directory of its own.

mod case;
mod crons;
mod environment_mistakes;
mod generated;
mod golden;
mod hooks;
mod places;
mod plan_and_check;
mod recursive;
mod render_only;
mod running;
mod secrets;
mod spec_mistakes;
mod starts;
mod steps;
mod steps_ending;
mod templates;
mod validators;
mod volumes;
mod waiting;
mod writing;
