//! Castoff as a process among processes. Each test is a promise of its name.

mod asked;
mod attributes;
mod control;
mod ending;
mod exec_failure;
mod follow;
mod handed;
mod health;
mod hostile;
mod inheritance;
mod logs;
mod oom;
mod options;
mod peers;
mod personalities;
mod read_only_paths;
mod readers;
mod refusals;
mod sealing;
mod services;
mod signals;
mod stopping;
mod strangers;
mod surroundings;
mod sweeps;
mod terminal;
