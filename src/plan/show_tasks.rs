//! The steps and hooks of a plan as people read them: what is run and why, what is not.

use std::fmt::Write as _;

use super::run::quoted;
use super::task::{Task, Tasks, What, Work};
use super::turn::Decision;

/// A line for each step and each hook.
#[must_use]
pub(super) fn show_tasks(tasks: &Tasks) -> String {
    let mut text = String::new();
    for task in &tasks.tasks {
        match &task.work {
            Work::NotWanted(what) => rest(&mut text, what, "its `when` is false"),
            Work::Step { name, decision, argv } => match decision {
                Decision::Run(why) => {
                    let words: Vec<String> =
                        argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
                    let _ = writeln!(text, "step    {name}: {}{}  ({why})", words.join(" "), whom(task));
                }
                Decision::Rest(why) => rest(&mut text, &What::Step(name.clone()), why),
            },
            Work::Hooks { found, .. } => {
                for hook in &found.ready {
                    match tasks.decide(&task.turn, &hook.name) {
                        Decision::Run(why) => {
                            let _ = writeln!(text, "hook    {}{}  ({why})", hook.name, whom(task));
                        }
                        Decision::Rest(why) => rest(&mut text, &What::Hook(hook.name.clone()), &why),
                    }
                }
                for (name, why) in &found.passed_over {
                    rest(&mut text, &What::Hook(name.clone()), why.words());
                }
            }
        }
    }
    text
}

fn rest(text: &mut String, what: &What, why: &str) {
    let _ = writeln!(text, "skip    {what}  ({why})");
}

fn whom(task: &Task) -> String {
    let who = task.runner.credentials.as_ref();
    who.map_or(String::new(), |who| format!(", as {}:{}", who.uid, who.gid))
}
