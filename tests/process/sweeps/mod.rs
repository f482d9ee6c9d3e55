//! Castoff at every system call of its own: told to end there, or with that call failing,
//! once or always. It ends as it should, and leaves no child.

mod always;
mod left;
mod single;
mod terms;
