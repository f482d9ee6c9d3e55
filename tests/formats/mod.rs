//! Each format is read back by the program that reads it in real life.

mod apache;
mod dotenv;
mod json;
mod msmtp;
mod mycnf;
mod nginx;
mod php;
mod php_fpm;
mod php_ini;
mod postfix;
pub(crate) mod program;
mod properties;
pub(crate) mod readback;
mod redis;
mod shell;
mod smtp_server;
mod sql_mariadb;
mod sql_postgres;
mod ssmtp;
mod supervisord;
mod systemd_env;
mod templates;
mod toml;
mod url;
pub(crate) mod values;
mod xml;
mod yaml;
