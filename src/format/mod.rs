//! Contextual escaping: one file per format, each a lexer, its contexts and their encoders.

mod apache;
mod dotenv;
mod html;
mod json;
mod literal;
mod markup;
mod msmtp;
mod mycnf;
mod nginx;
mod php;
mod php_fpm;
mod php_ini;
mod plain;
mod postfix;
mod properties;
mod redis;
mod registry;
mod shell;
mod skeleton;
mod sql;
mod ssmtp;
mod supervisord;
mod systemd_env;
mod toml;
mod xml;
mod yaml;
mod zend_ini;

#[cfg(test)]
mod table;

pub use literal::Literal;
pub use registry::{FORMATS, Format, by_name, infer};
pub use skeleton::{Blame, Cursor, Filling, Refusal, Skeleton, Unit, fill_with};
