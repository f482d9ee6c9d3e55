//! Castoff as a process among processes. Each test is a promise of its name.

mod ending;
mod exec_failure;
mod inheritance;
mod options;
mod personalities;
mod refusals;
mod sealing;
mod signals;
mod terminal;
