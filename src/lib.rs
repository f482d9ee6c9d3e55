//! castoff: the entrypoint of a container image.
//!
//! argv + environment → spec → resolve → observe → plan → apply → run. `docs/design.md`
//! has the floors of the house; a module imports from the floors below it only.

// floor 0
pub mod capability;
pub mod civil;
pub mod diagnostic;
pub mod duration;
pub mod exit;
pub mod path_map;
pub mod process_attributes;
pub mod resource;
pub mod restart_limit;
pub mod schedule;
pub mod signal;
pub mod size;
pub mod timestamp;
pub mod version;
pub mod wildcard;
// floor 1
pub mod expression;
pub mod spec;
pub mod sys;
// floor 2
pub mod archive;
pub mod env;
pub mod format;
pub mod protocol;
pub mod service;
pub mod state;
// floor 3
pub mod observe;
pub mod render;
pub mod volume;
// floor 4
pub mod plan;
// floor 5
pub mod apply;
pub mod supervise;
// floor 6
pub mod lint;
pub mod personality;
pub mod report;
// floor 7
mod again;
pub mod ask;
mod asked;
pub mod cli;
mod console;
mod drop_in;
pub mod log;
mod look;
pub mod prepare;
mod readings;
pub mod run;
mod running;
pub mod settings;
