//! Each format is read back by the program that reads it in real life.

pub(crate) mod values;
