//! Castoff as a process among processes. Each test is a promise of its name.

mod boundaries;
mod ending;
mod exec_failure;
mod handed;
mod hostile;
mod inheritance;
mod oom;
mod options;
mod peers;
mod personalities;
mod refusals;
mod sealing;
mod signals;
mod stopping;
mod surroundings;
mod terminal;
