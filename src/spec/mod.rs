//! The spec: the file as written. Model, parser, includes; syntax only.

mod document;
mod fields;
mod load;
mod model;
mod outputs;
mod service;
mod variable;

pub use document::parse;
pub use load::load;
pub use model::{
    Access, Alphabet, Default, Directory, Generate, Image, Kind, Overwrite, Rule, Service, Spec, StopScope,
    Template, Undeclared, UndeclaredAction, Variable, Version,
};
