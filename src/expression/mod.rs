//! The expressions and templates of a spec: one engine, set up once, for all floors.

mod bounds;
mod compiled;
mod engine;
mod failure;
mod filters;
mod spelling;

pub(crate) use bounds::bounded_filters;
pub use compiled::{Expression, TextTemplate, is_function};
pub use engine::{engine, identifiers};
pub use failure::{Origin, diagnose_checked};
pub(crate) use filters::url;
pub use spelling::{spelled_template, words_in_tags};
