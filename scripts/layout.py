#!/usr/bin/env python3
"""Writes scripts/layout.ld: what a start touches, which the linker puts beside each other.

The kernel maps a file's pages in windows of 64 kB when one of them is touched
(fault_around_bytes), and copies a page of data when it is written to. Laid out like this
a start touches few of both. What is not there any more does no harm, and what is new only
costs its window; constants without names are numbered anew with each change. Needs valgrind
and the build with lld (scripts/static.sh).
"""

import bisect
import fcntl
import os
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO_TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
BUILT = CARGO_TARGET / "x86_64-unknown-linux-musl/release/castoff"
# No section that a start touches is larger.
LARGEST = 10_000
ARENA = 4096
# So many that maps of them have more than one node.
VARIABLES = 24


def build():
    """What the linker put where: (address, size, section of the result, file, its section)."""
    subprocess.run([ROOT / "scripts/static.sh"], check=True)
    layout = ROOT / "target/static.map"
    sections, result = [], ""
    for line in layout.read_text().splitlines():
        fields = re.match(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+ (\s*)(.*)$", line)
        if not fields:
            continue
        address, size, indent, name = int(fields[1], 16), int(fields[2], 16), fields[3], fields[4]
        part = re.match(r"(.*):\((.*)\)$", name)
        # .tbss takes no addresses: those that it is said to have are those of what follows
        if part and size and result != ".tbss":
            sections.append((address, size, result.removesuffix(".cold"), part[1], part[2]))
        elif not indent:
            result = name
    return sorted(sections)


def touched(sections, command, directory, hands_over=()):
    """The sections that a command touches, until it executes another program or itself, which
    valgrind can't follow."""
    trace = directory / "trace"
    valgrind = ["valgrind", "--tool=lackey", "--trace-mem=yes"]
    with trace.open("w") as out:
        subprocess.run(valgrind + command, stdin=subprocess.DEVNULL, stderr=out, pass_fds=hands_over)
    end = max(address + size for address, size, *_ in sections)
    starts = [section[0] for section in sections]
    # in the order in which they are touched: what comes one after the other is then on one page
    found = {}
    with trace.open() as lines:
        wanted = (line for line in lines if line[:3] in ("I  ", " S ", " L ", " M "))
        addresses = dict.fromkeys(int(line[3:].split(",")[0], 16) for line in wanted)
    for address in addresses:
        at = bisect.bisect_right(starts, address) - 1
        while 0 <= at and address < end and starts[at] > address - LARGEST:
            if address < starts[at] + sections[at][1]:
                found.setdefault(at)
                break
            at -= 1
    return list(found)


def sealed(command):
    """What a start hands over to the castoff that it executes, as it does it: a sealed memfd."""
    strace = ["strace", "-xx", "-s", "1000000", "-e", "trace=memfd_create,write", *command]
    calls = subprocess.run(strace, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stderr
    number = re.search(r"^memfd_create\(.* = (\d+)$", calls, re.MULTILINE)[1]
    written = re.search(rf'^write\({number}, "(.*)", \d+\) = ', calls, re.MULTILINE)[1]
    memory = os.memfd_create("castoff", os.MFD_ALLOW_SEALING)
    os.write(memory, bytes.fromhex(written.replace("\\x", "")))
    os.lseek(memory, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
    return memory


def aliases():
    """Functions that are the same were folded into one, which has all their names."""
    names = {}
    for line in subprocess.run(["nm", BUILT], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 3:
            names.setdefault(int(fields[0], 16), []).append(fields[2])
    return names


def stable(name):
    """A crate's hash differs from compiler to compiler, and a copy's number from build to build."""
    return re.sub(r"\.\d+$", ".*", re.sub(r"Cs[0-9A-Za-z]+_(?=[0-9])", "Cs*_", name))


def own_constants(sections):
    """The group of castoff's own constants without names, by far the largest. What it is called
    changes with each function that castoff gains or loses."""
    groups = [found[0] for *_, name in sections if (found := re.match(r"\.rodata\.\.Lanon\.\w+\.", name))]
    return statistics.mode(groups)


def pattern(section, names, own):
    """How a linker script says it."""
    address, _, result, file, name = section
    member = re.search(r"(\w+\.a)\((.+)\)$", file)
    kind = re.match(r"\.[a-z]+", name)
    # numbers and strings that are the same in many files, made one by the linker
    if file == "<internal>" and name.startswith((".rodata.cst", ".rodata.str")):
        return {f"*({name})"}
    if file == "<internal>":
        return set()
    if name.startswith(own):
        return {f"*(.rodata..Lanon.*.{name.removeprefix(own)})"}
    if ".Lanon." in name:
        return {f"*({name})"}
    if member and (name == "COMMON" or kind and kind[0] == name):
        return {f"*{member[1]}:{member[2]}({name})"}
    if re.search(r"crt\w+\.o$", file):
        return {f"*{Path(file).name}({name})"}
    also = {f"{kind[0]}.{other}" for other in names.get(address, [])} if result == ".text" else set()
    return {f"*({stable(each)})" for each in also | {name}}


def spec(directory):
    """A start with variables, one of them in a file, and a template for each of the usual formats."""
    text = "version = 1\n"
    kinds = [("string", "it's"), ("int", "4711"), ("bool", "true"), ("size", "128M"), ("duration", "30s")]
    for number in range(1, VARIABLES):
        kind, value = kinds[number % len(kinds)]
        text += f'[env.SITE_{number}]\ntype = "{kind}"\n'
        if number % 2:
            text += f'default = "{value}"\n'
        else:
            os.environ[f"SITE_{number}"] = value
    text += "[env.SITE_0]\nsecret = true\n"
    (directory / "secret").write_text("another one")
    os.environ["SITE_0_FILE"] = str(directory / "secret")
    line = {
        "php": "$a{0} = {{{{ SITE_{0} }}}};\n",
        "ini": 'a.k{0} = "{{{{ SITE_{0} }}}}"\n',
        "json": '"k{0}": {{{{ SITE_{0} }}}},\n',
        "env": "K{0}={{{{ SITE_{0} }}}}\n",
        "yaml": "k{0}: {{{{ SITE_{0} }}}}\n",
        "conf": 'fastcgi_param K{0} "{{{{ SITE_{0} }}}}";\n',
    }
    around = {"php": ("<?php\n", ""), "json": ("{", '"end": 1}\n')}
    settings = {"ini": 'format = "php-ini"\n', "conf": 'format = "nginx"\n', "php": 'mode = "0600"\n'}
    for kind, pattern in line.items():
        before, after = around.get(kind, ("", ""))
        lines = "".join(pattern.format(number) for number in range(VARIABLES))
        (directory / f"a.{kind}.j2").write_text(before + lines + after)
        text += f'[[template]]\nsource = "a.{kind}.j2"\ndest = "{directory}/made/a.{kind}"\n'
        text += settings.get(kind, "")
    (directory / "made").mkdir()
    (directory / "castoff.toml").write_text(text)
    return [str(BUILT), "--config", str(directory / "castoff.toml"), "--log-level", "error", "--", "sleep", "1"]


def script(sections, plain, sealed, prepared):
    """The linker script: what a plain init touches, then what a sealed castoff touches besides, and
    then what a start with a spec does."""
    names, own = aliases(), own_constants(sections)

    def lines(result, found):
        # what is small, before an arena of which the beginning is used
        found = sorted(
            (at for at in found if sections[at][2] == result),
            key=lambda at: result == ".bss" and sections[at][1] >= ARENA,
        )
        patterns = (sorted(pattern(sections[at], names, own)) for at in found)
        return dict.fromkeys(line for lines in patterns for line in lines)

    def text(lines):
        return "".join(f"    {line}\n" for line in lines)

    prepared = [at for at in prepared if at not in plain and at not in sealed]
    sealed = [at for at in sealed if at not in plain]

    def code(found):
        return text(lines(".text", found))

    def constants(found):
        return text(lines(".rodata", found))

    def written(result):
        return text(lines(result, plain) | lines(result, sealed) | lines(result, prepared))

    return f"""/* Written by scripts/layout.py. */
SECTIONS
{{
  .rodata : {{
{constants(plain)}  }}
}}
INSERT BEFORE .eh_frame_hdr;
SECTIONS
{{
  .init : {{ *(.init) }}
  .fini : {{ *(.fini) }}
  .text : {{
{code(plain)}{constants(sealed)}{code(sealed)}{code(prepared)}    *(.text .text.*)
  }}
}}
INSERT AFTER .eh_frame_hdr;
SECTIONS
{{
  .rodata.cold : {{
{constants(prepared)}    *(.rodata .rodata.*)
  }}
}}
INSERT AFTER .text;
/* What a start writes stands together on the page where .data ends and .bss begins,
   which the kernel has to copy in any case. */
SECTIONS
{{
  .data : {{
{written(".data")}  }}
}}
INSERT AFTER .init_array;
SECTIONS
{{
  .data.cold : {{
    *(.data .data.*)
    . = ALIGN(4096);
  }}
}}
INSERT BEFORE .tdata;
SECTIONS
{{
  .bss : {{
{written(".bss")}    *(.bss .bss.* COMMON)
  }}
}}
INSERT AFTER .got.plt;
"""


with tempfile.TemporaryDirectory() as made:
    place = Path(made)
    sections = build()
    # a service that has a signal forwarded to it, and ends by it
    service = ["sh", "-c", "kill -TERM $PPID; exec sleep 60"]
    plain = touched(sections, [str(BUILT), "--", *service], place)
    # settings of castoff's own and of an image, of which a plain init usually has none
    prepare = spec(place)
    os.environ["CASTOFF_STATE"] = str(place / "state")
    subprocess.run(prepare, check=True)
    memory = sealed(prepare)
    from_memory = touched(sections, [str(BUILT), f"--sealed={memory}"], place, [memory])
    prepared = touched(sections, prepare, place)
    (ROOT / "scripts/layout.ld").write_text(script(sections, plain, from_memory, prepared))
