#!/usr/bin/env python3
"""Measures castoff with two services beside supervisord, s6, runit and Horust, and writes the table
that it is given to stdout: private memory of all processes that supervise, time until both services
run, time from the request to stop until nothing is left. Medians, taken in turns, as ratios to
castoff. Needs root's rights for nothing, the static binary (make static), and Debian's packages
supervisor, s6 and runit; Horust is built from crates.io. What is missing is left out and said so."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
ROOT = Path(__file__).resolve().parent.parent
CASTOFF = ROOT / "target/static/castoff"
HORUST = ROOT / "target/bench/peers/bin/horust"
NAMES = ("a", "b")


def script(directory, name):
    return f"#!/bin/sh\ntouch {directory}/up-{name}\nexec sleep 100000\n"


def castoff(directory):
    services = [f'[service.{name}]\ncommand = ["{directory}/{name}"]\nrestart = "always"\n' for name in NAMES]
    (directory / "castoff.toml").write_text("version = 1\n" + "".join(services))
    return [CASTOFF, "--config", directory / "castoff.toml", "--log-level", "error"], signal.SIGTERM


def supervisord(directory):
    programs = [f"[program:{name}]\ncommand={directory}/{name}\n" for name in NAMES]
    head = f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={directory}/pid\n"
    (directory / "conf").write_text(head + "".join(programs))
    return ["supervisord", "-c", directory / "conf"], signal.SIGTERM


def scanned(directory):
    """A directory of services as s6 and runit have it."""
    for name in NAMES:
        (directory / "services" / name).mkdir(parents=True)
        os.symlink(directory / name, directory / "services" / name / "run")
    return directory / "services"


def s6(directory):
    return ["s6-svscan", scanned(directory)], signal.SIGTERM


def runit(directory):
    return ["runsvdir", scanned(directory)], signal.SIGHUP


def horust(directory):
    (directory / "services").mkdir()
    for name in NAMES:
        text = f'command = "{directory}/{name}"\n[restart]\nstrategy = "always"\n'
        (directory / "services" / f"{name}.toml").write_text(text)
    return [HORUST, "--services-path", directory / "services"], signal.SIGTERM


def install_horust():
    """As Debian has no package of it."""
    if not HORUST.exists() and shutil.which("cargo"):
        build = ["cargo", "install", "--quiet", "--root", ROOT / "target/bench/peers", "horust"]
        subprocess.run(build, check=False)


def descendants(root):
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            name, rest = stat.split("(", 1)[1].rsplit(")", 1)
            children.setdefault(int(rest.split()[1]), []).append((int(entry.name), name))
    found, open_ = [], [root]
    while open_:
        for child in children.get(open_.pop(), []):
            found.append(child)
            open_.append(child[0])
    return found


def private_dirty(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


def until(reached):
    limit = time.monotonic() + 60
    while not reached():
        if time.monotonic() > limit:
            raise TimeoutError
        time.sleep(0.0005)


def measure(make):
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        for name in NAMES:
            (directory / name).write_text(script(directory, name))
            (directory / name).chmod(0o755)
        command, stop = make(directory)
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: all((directory / f"up-{name}").exists() for name in NAMES))
        started = time.monotonic() - began
        time.sleep(0.3)
        rest = descendants(process.pid)
        supervising = [process.pid] + [pid for pid, name in rest if name != "sleep"]
        memory = sum(private_dirty(pid) for pid in supervising)
        everybody = [pid for pid, _ in rest]
        began = time.monotonic()
        process.send_signal(stop)
        process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody))
        return memory, started, time.monotonic() - began


def main():
    install_horust()
    peers = {
        "castoff": (CASTOFF, castoff),
        "supervisord": ("supervisord", supervisord),
        "s6-svscan": ("s6-svscan", s6),
        "runsvdir": ("runsvdir", runit),
        "Horust": (HORUST, horust),
    }
    there = {name: make for name, (program, make) in peers.items() if shutil.which(program)}
    results = {name: [] for name in there}
    for _ in range(ROUNDS):
        for name, make in there.items():
            results[name].append(measure(make))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in results.items()}
    own = medians["castoff"]
    print("# Two services, beside other supervisors\n")
    print(f"Written by `make bench-services`: medians of {ROUNDS} runs in turns. Memory is private and dirty, of all")
    print("processes that supervise; times are ratios to castoff's, which checks a spec first.\n")
    print("| | memory | both services run | all is gone after the request to stop |\n|---|---|---|---|")
    for name, (memory, started, stopped) in medians.items():
        print(f"| {name} | {memory:.0f} kB | {started / own[1]:.2f} | {stopped / own[2]:.2f} |")
    for name in peers.keys() - there.keys():
        print(f"\nskipped: {name} is not installed")


main()
