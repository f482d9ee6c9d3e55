//! Shell scripts, read back by dash, bash and busybox ash.

use std::process::Command;

use castoff::format::{Literal, Skeleton, by_name};

use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, all_values, between, fill, filled};

/// Prints a here-document and a NUL, as cat does, without a process of its own.
const READ: &str =
    "show() { while IFS= read -r l; do printf '%s\\n' \"$l\"; done; printf '%s\\0' \"$l\"; }\n";

/// Fills one copy per value, has each shell run the script, and compares what it printed
/// (each value ends with a NUL). At least `share` per cent are taken.
fn check(piece: Piece, share: usize) {
    let filled = filled("shell", piece, &all_values());
    for (shell, arguments, locale) in [
        ("dash", &[][..], "C.UTF-8"),
        ("bash", &[], "C.UTF-8"),
        ("bash", &["--posix"], "C"),
        ("busybox", &["sh"], "C.UTF-8"),
    ] {
        run(&filled, shell, arguments, locale);
    }
    filled.accepts(share);
}

fn run(filled: &Filled, shell: &str, arguments: &[&str], locale: &str) {
    let name = [&[shell], arguments].concat().join(" ");
    let Some(shell) = find(&[shell]) else { return };
    let folder = Folder::new();
    let script = folder.write("script.sh", &format!("{READ}{}", filled.text));
    let mut command = Command::new(shell);
    let read = output(
        command.args(arguments).arg(script).env_clear().env("LC_ALL", locale).env("PATH", "/usr/bin:/bin"),
    );
    let mut read: Vec<Vec<u8>> = read.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(read.pop().as_deref(), Some(&b""[..]), "{}: the last value ends with a NUL", filled.name);
    filled.compare(&name, &read);
}

fn script(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    reads: (&'static str, &'static str),
    share: usize,
) {
    check(between(name, before, after, reads), share);
}

#[test]
fn words_take_every_value() {
    script("shell argument", "printf '%s\\0' ", "\n", ("", ""), 90);
    script("shell assignment", "x=", "\nprintf '%s\\0' \"$x\"\n", ("", ""), 90);
    script("shell word beside text", "x=/srv/", "/$HOME'b'; printf '%s\\0' \"$x\"\n", ("/srv/", "/b"), 90);
    script(
        "shell assignment of a command",
        "x=",
        " sh -c 'printf \"%s\\\\0\" \"$x\"' </dev/null | head -c 70000\n",
        ("", ""),
        60,
    );
}

#[test]
fn quotes_take_every_value() {
    script("shell \"…\"", "x=\"a", "b\"\nprintf '%s\\0' \"$x\"\n", ("a", "b"), 90);
    script("shell \"…\" after a variable", "v=w; x=\"${v}", "$v\"\nprintf '%s\\0' \"$x\"\n", ("w", "w"), 90);
    script("shell '…'", "x='a\"$", "b'\nprintf '%s\\0' \"$x\"\n", ("a\"$", "b"), 90);
}

#[test]
fn lists_take_every_value() {
    script("shell loop", "for x in ", "; do printf '%s\\0' \"$x\"; done\n", ("", ""), 90);
    script("shell export", "export x=", "\nprintf '%s\\0' \"$x\"\n", ("", ""), 90);
}

#[test]
fn substitutions_take_every_value() {
    script("shell $(…)", "x=\"$(printf '%s.' ", ")\"\nprintf '%s\\0' \"$x\"\n", ("", "."), 90);
    script("shell \"$(… \"…\")\"", "x=\"$(printf '%s.' \"", "\")\"\nprintf '%s\\0' \"$x\"\n", ("", "."), 90);
}

#[test]
fn here_documents_take_every_value() {
    script("shell heredoc", "show <<EOF\na", "b\nEOF\n", ("a", "b\n"), 90);
    script("shell heredoc line", "show <<EOF\n", "\nEOF\n", ("", "\n"), 90);
    script("shell quoted heredoc", "show <<'EOF'\n", "\nEOF\n", ("", "\n"), 90);
    script("shell <<-", "show <<-EOF\n\t\ta", "\n\tEOF\n", ("a", "\n"), 90);
}

#[test]
fn here_documents_in_substitutions_take_every_value() {
    script("shell heredoc in $(…)", "x=$(cat <<EOF\n", ".\nEOF\n)\nprintf '%s\\0' \"$x\"\n", ("", "."), 90);
}

/// A value as the subject and as the pattern: it matches itself, and nothing is left open.
#[test]
fn patterns_match_their_own_text() {
    let values = all_values();
    let (mut pieces, mut twice) = (Vec::new(), Vec::new());
    for value in &values {
        pieces.push(("case ".to_owned(), " in ".to_owned()));
        pieces.push((String::new(), ") printf 1;; *) printf 0;; esac\n".to_owned()));
        twice.extend([value.clone(), value.clone()]);
    }
    let (mut text, mut taken) = (String::new(), 0);
    for (pair, answers) in pieces.chunks(2).zip(fill("shell", &pieces, &twice).chunks(2)) {
        if let [Ok(subject), Ok(pattern)] = answers {
            text.push_str(&format!("{}{subject}{}{pattern}{}", pair[0].0, pair[0].1, pair[1].1));
            taken += 1;
        }
    }
    let folder = Folder::new();
    let script = folder.write("script.sh", &text);
    for (shell, arguments) in [("dash", &[][..]), ("bash", &[]), ("busybox", &["sh"])] {
        let Some(shell) = find(&[shell]) else { continue };
        let read =
            output(Command::new(shell).args(arguments).arg(&script).env_clear().env("LC_ALL", "C.UTF-8"));
        assert!(read == "1".repeat(taken).into_bytes(), "a pattern doesn't match its own text");
    }
    assert!(taken * 100 >= values.len() * 90);
}

#[test]
fn comments_stay_comments() {
    let filled =
        filled("shell", between("shell comment", ": # ", "\nprintf '%s\\0' x\n", ("", "")), &all_values());
    let ran = filled.expecting_each("x");
    for (shell, arguments) in [("dash", &[][..]), ("bash", &[]), ("busybox", &["sh"])] {
        run(&ran, shell, arguments, "C.UTF-8");
    }
    ran.accepts(60);
}

#[test]
fn numbers_are_calculated_with() {
    let numbers = [0, 7, -7, i128::from(i64::MAX), -i128::from(i64::MAX)];
    let mut skeleton = Skeleton::default();
    for _ in numbers {
        skeleton.push_text("echo $((0-");
        skeleton.push_hole();
        skeleton.push_text("))\n");
    }
    let shell_format = by_name("shell").unwrap();
    let mut script = String::new();
    for answer in (shell_format.fill)(&skeleton, &numbers.map(Literal::Int)) {
        script.push_str(&format!("echo $((0-{}))\n", answer.unwrap()));
    }
    let expected: String = numbers.iter().map(|number| format!("{}\n", -number)).collect();
    for shell in ["dash", "bash"] {
        let Some(shell) = find(&[shell]) else { continue };
        assert_eq!(String::from_utf8(output(Command::new(shell).args(["-c", &script]))).unwrap(), expected);
    }
}
