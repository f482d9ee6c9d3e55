//! Volumes: filled, upgraded, mirrored; crash-safe, and safe from whoever owns them.

mod compare;
mod failure;
mod fill;
mod history;
mod place;
mod records;
mod seed;
mod teller;
mod told;
mod unpack;

pub(super) use fill::fill;
