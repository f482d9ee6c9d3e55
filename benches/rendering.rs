//! Rendering: the time grows as the template does.

use std::fs;
use std::process::Command;

use crate::ground::Ground;
use crate::race::{Candidate, Table, medians, run};

/// A php file of holes and plain lines.
fn template(holes: usize, line: usize) -> String {
    let lines = (0..holes).map(|number| format!("$a{number} = {{{{ NAME }}}}; // {}\n", "x".repeat(line)));
    std::iter::once("<?php\n".to_owned()).chain(lines).collect()
}

pub(crate) fn rendering(ground: &Ground) -> Vec<Table> {
    let render = |holes: usize| {
        let name = format!("holes-{holes}");
        fs::write(ground.memory.join(format!("{name}.php.j2")), template(holes, 75)).unwrap();
        let spec = ground.memory.join(format!("{name}.toml"));
        let text =
            format!("version = 1\n[env.NAME]\n[[template]]\nsource = \"{name}.php.j2\"\ndest = \"/a.php\"\n");
        fs::write(&spec, text).unwrap();
        let castoff = ground.castoff.clone();
        move || {
            run(Command::new(&castoff)
                .arg("--config")
                .arg(&spec)
                .args(["--render-only", "--output", "-"])
                .env("NAME", "it's a value"))
        }
    };
    let candidates =
        [1_000, 10_000, 20_000].map(|holes| Candidate::new(&format!("{holes} holes"), || {}, render(holes)));
    let times = medians(15, &candidates);
    let lines = candidates.iter().zip(&times).map(|(candidate, time)| {
        let second = if time.as_secs_f64() < 0.5 { "well under a second" } else { "half a second or more" };
        (candidate.name.clone(), format!("{:.1}, {second}", time.as_secs_f64() / times[0].as_secs_f64()))
    });
    let note = "`--render-only` of php templates with about 100 bytes for each hole (10,000 holes: 1 MB). Medians of 15 rounds.";
    vec![Table::of("Rendering", note, lines.collect())]
}
