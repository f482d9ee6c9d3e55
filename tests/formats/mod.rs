//! Each format is read back by the program that reads it in real life.

mod dotenv;
mod json;
mod msmtp;
mod mycnf;
mod nginx;
mod php;
mod php_fpm;
mod php_ini;
pub(crate) mod program;
pub(crate) mod readback;
mod shell;
mod smtp_server;
mod ssmtp;
mod systemd_env;
mod templates;
mod toml;
pub(crate) mod values;
mod yaml;
