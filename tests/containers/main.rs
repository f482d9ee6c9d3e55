//! The example images, in Docker: what castoff promises, seen from outside a container.
//!
//! `cargo test --test containers`, after `make static`; CASTOFF_BINARY names another binary.
//! Without Docker every test says `skipped`, unless CASTOFF_REQUIRE_DOCKER=1.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it didn't expect")]

mod docker;
mod health;
mod http;
mod idle;
mod images;
mod init_path;
mod limits;
mod namespaces;
mod one_off;
mod site;
mod statuses;
mod volumes;
mod wordpress;
