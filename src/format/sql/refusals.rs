//! Why no value can stand in a place of an SQL script, and what to write instead.

use super::super::skeleton::Refusal;

pub(super) fn part_of_a_word() -> Refusal {
    Refusal::template(
        "a word of SQL",
        "the text beside it would join it",
        "a value alone: = {{ x }}; a name in its quotes: `wp_{{ x }}` (MariaDB), \"wp_{{ x }}\" (PostgreSQL)",
    )
}

pub(super) fn beside_a_string() -> Refusal {
    Refusal::template(
        "SQL",
        "two strings side by side become one",
        "join the texts in the value: {{ a ~ b }}",
    )
}

pub(super) fn executable() -> Refusal {
    Refusal::template("a comment that the server reads", "a hint or an executable comment is code", "")
}

pub(super) fn special() -> Refusal {
    Refusal::template(
        "an SQL string with a prefix",
        "its prefix gives its characters another meaning",
        "leave the prefix and the quotes out: {{ x }}",
    )
}

pub(super) fn code() -> Refusal {
    Refusal::template(
        "a string of SQL code",
        "what stands there is run, and has quotes of its own",
        "pass the value in from outside of the string, as a setting or a parameter",
    )
}

pub(super) fn unclosed() -> Refusal {
    Refusal::template("SQL", "a quote or a comment that opens before it is not closed", "")
}

pub(super) fn by_setting() -> Refusal {
    Refusal::template(
        "SQL",
        "before it a quote follows a backslash, so a setting of the server decides where that string ends",
        "double the quote: 'it''s'",
    )
}

pub(super) fn behind_a_backslash() -> Refusal {
    Refusal::template(
        "an SQL string",
        "the backslash before it would change it",
        "leave the quotes out: {{ x }}",
    )
}

pub(super) fn copied() -> Refusal {
    Refusal::template("rows of COPY", "they are not SQL", "INSERT INTO … VALUES ({{ x }})")
}

pub(super) fn client() -> Refusal {
    Refusal::template("a line for the SQL client", "the client reads it by rules of its own", "")
}
