//! Templates to text: holes, contexts, encodings. Everything happens in memory.

mod convert;
mod fill;
mod holes;
mod outputs;
mod sources;
mod template;

#[cfg(test)]
mod tests;

pub use fill::Rendered;
pub use outputs::{Output, Outputs, check_all, render_all};
pub use sources::{ReadTemplate, SourceError};
pub use template::{Known, Renderer, Request, Survey, survey};
