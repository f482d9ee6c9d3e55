//! Contextual escaping: one file per format, each a lexer, its contexts and their encoders.

mod dotenv;
mod json;
mod literal;
mod msmtp;
mod mycnf;
mod nginx;
mod php;
mod php_fpm;
mod php_ini;
mod plain;
mod registry;
mod shell;
mod skeleton;
mod ssmtp;
mod systemd_env;
mod toml;
mod yaml;
mod zend_ini;

#[cfg(test)]
mod table;

pub use literal::Literal;
pub use registry::{FORMATS, Format, by_name, infer};
pub use skeleton::{Blame, Cursor, Filling, Refusal, Skeleton, Unit, fill_with};
