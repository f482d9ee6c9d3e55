//! Promises about resolving, each from a spec and what a container was given.

mod case;
mod defaults;
mod messages;
mod secrets;
mod service;
mod sources;
