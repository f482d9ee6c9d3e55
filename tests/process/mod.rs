//! Castoff as a process among processes. Each test is a promise of its name.

mod ending;
mod exec_failure;
mod handed;
mod inheritance;
mod oom;
mod refusals;
mod sealing;
mod signals;
mod stopping;
mod terminal;
