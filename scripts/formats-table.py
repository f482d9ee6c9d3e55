#!/usr/bin/env python3
"""Makes docs/formats.md of what the format tests counted: one JSON object per line."""

import json
import sys
from collections import Counter, defaultdict

LEAD = """\
# Formats, read back

What was rendered, and what the programs that read these files in real life made of it.
`make formats` renders a list of known troublemakers (`tests/data/hostile.json`) and 5,000 generated
values in each context, gives the files to the programs, and writes this page. Fewer are generated
where a program is started for every few values (msmtp, ssmtp), or where a value has to be the name
of a file. A value comes back byte for byte or it is refused with a reason; one that does neither
fails the run. Of a value in a comment it is what follows the comment that has to come back. `●` is
the place of the value.

Random templates are put together from what a format's lexer has to tell apart, and filled twice:
with markers and with values. The program must read the same both times but for the values. Valid
are those that the program takes at all; in `html`, those whose values are part of the tree.
"""


def code(text):
    """A code span that may hold backticks, in a cell of a table."""
    text = text.replace("\n", "⏎").replace("\r", "␍").replace("\t", "⇥").strip().replace("|", "\\|")
    ticks = "``" if "`" in text else "`"
    pad = " " if ticks == "``" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def cell(text):
    """Text of a cell; what stands between backticks is code already."""
    parts = text.replace("|", "\\|").split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") for part in parts[::2]]
    return "`".join(parts)


def number(count):
    return f"{count:,}"


def reasons(refusals):
    common = sorted(refusals.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{number(count)}: {cell(reason)}" for reason, count in common[:3]]
    rest = sum(count for _, count in common[3:])
    return "; ".join(said + ([f"{number(rest)} others"] if rest else []))


def main(path):
    contexts, templates = defaultdict(set), defaultdict(Counter)
    with open(path, encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if "templates" in row:
                templates[row["format"], row["reader"]].update(filled=row["templates"], valid=row["valid"])
            else:
                refusals = json.dumps(row["refusals"], sort_keys=True, ensure_ascii=False)
                contexts[row["format"], row["context"], row["read"], refusals].add(row["reader"])
    print(LEAD)
    print("## Values\n")
    print("| format | context | read by | rendered | read back identical | refused | reasons |")
    print("|---|---|---|--:|--:|--:|---|")
    for (name, context, read, refusals), readers in sorted(contexts.items()):
        refusals = json.loads(refusals)
        refused = sum(refusals.values())
        counts = " | ".join(map(number, (read + refused, read, refused)))
        readers = ", ".join(map(cell, sorted(readers)))
        print(f"| {name} | {code(context.removeprefix(name + ' '))} | {readers} | {counts} | {reasons(refusals)} |")
    print("\n## Random templates\n")
    print("| format | read by | filled | valid, and read alike |\n|---|---|--:|--:|")
    for (name, reader), counts in sorted(templates.items()):
        print(f"| {name} | {cell(reader)} | {number(counts['filled'])} | {number(counts['valid'])} |")


main(sys.argv[1])
