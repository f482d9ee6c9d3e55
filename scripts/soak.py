#!/usr/bin/env python3
"""Runs the static binary as PID 1 for SOAK_SECONDS (3600) among services that die, print, leave
orphans and are restarted, cron entries, checks and questions, and fails unless it stays as it was.

It is as it was if, after a tenth of the time to warm up, neither its private dirty memory nor its
descriptors grew from the first half of the samples to the last: the most of nine tenths of them by no
more than 16 kB and 6 descriptors. In the others it holds a long line at that moment, or answers; a leak
lifts them all. Besides, no zombie of it may be seen twice, every line of what it prints for others is
whole, every question is answered, and it ends with 0 within its grace when it is told to. Needs the
right to make a PID namespace (root, or a kernel that allows it to everybody); CASTOFF_BINARY names
another binary."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from pathlib import Path

SECONDS = float(os.environ.get("SOAK_SECONDS", 3600))
BUILT = Path(__file__).resolve().parent.parent / "target/static/castoff"
CASTOFF = os.environ.get("CASTOFF_BINARY", BUILT)
GRACE = 2
# Between two samples a zombie has time to be reaped on the busiest machine.
SAMPLE = min(1.0, SECONDS / 60)

SPEC = """version = 1
[service.dies]
command = ["bash", "-c", '''ulimit -c 0
sleep 0.0$((RANDOM % 10))
case $((RANDOM % 4)) in
    0) exit 0 ;;
    1) exit $((RANDOM % 256)) ;;
    2) kill -KILL $$ ;;
    3) kill -SEGV $$ ;;
esac''']
restart = "always"
restart-limit = "none"
backoff = "10ms"
backoff-max = "100ms"
essential = false

[service.prints]
command = ["bash", "-c", '''
while :; do
    case $((RANDOM % 5)) in
        0) echo $RANDOM ;;
        1) printf '%*d\\n' $((RANDOM % 20000)) $RANDOM ;;
        2) echo "{\\"random\\": $RANDOM}" >&2 ;;
        3) printf '%d, not yet whole' $RANDOM; sleep 0.01; echo ;;
        4) (setsid sleep 0.$RANDOM & sleep 0.0$RANDOM &) ;;
    esac
    sleep 0.0$RANDOM
done''']
log = "json"
stop-is-success = true

[service.checked]
command = ["sleep", "100000"]
check = { command = ["test", "-e", "WELL"], interval = "500ms", timeout = "200ms", retries = 1 }
restart = "always"
stop-is-success = true

[cron.tick]
schedule = "@every 1s"
command = ["bash", "-c", '''echo "a run"; (sleep 0.$RANDOM &); sleep $((RANDOM % 2)).$RANDOM; exit $((RANDOM % 2))''']
log = "prefix"
"""


class Reader(threading.Thread):
    """Reads a stream to its end; remembers the lines that nobody should have printed so."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.kinds, self.broken, self.last = stream, Counter(), [], deque(maxlen=20)
        self.start()

    def run(self):
        for line in self.stream:
            self.last.append(line.decode(errors="replace").rstrip()[:300])
            kind = self.kind(line)
            self.kinds[kind] += 1
            if kind == "broken" and len(self.broken) < 5:
                self.broken.append(self.last[-1])

    @staticmethod
    def kind(line):
        if re.match(rb"tick/[0-9]+ \| a run\n", line):
            return "cron"
        try:
            return json.loads(line).get("service", "castoff")
        except (ValueError, AttributeError):
            return "broken"


class Castoff:
    """castoff as PID 1 of a namespace of its own."""

    def __init__(self, directory):
        self.control, self.well = directory / "control", directory / "well"
        spec = directory / "castoff.toml"
        spec.write_text(SPEC.replace("WELL", str(self.well)))
        own = [] if os.geteuid() == 0 else ["--map-root-user"]
        unshare = ["unshare", *own, "--pid", "--fork", "--mount-proc", "--kill-child"]
        command = [CASTOFF, "--config", spec, "--grace", f"{GRACE}s", "--log-format", "json"]
        others = {name: value for name, value in os.environ.items() if not name.startswith("CASTOFF_")}
        self.environment = {**others, "CASTOFF_CONTROL": str(self.control)}
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen([*unshare, *command], env=self.environment, **streams)
        self.output, self.error = Reader(self.process.stdout), Reader(self.process.stderr)
        limit = time.monotonic() + 60
        while not self.control.exists():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.process.kill()
                sys.exit("castoff has not started: " + "\n".join(self.error.last))
            time.sleep(0.01)
        self.pid = next(pid for pid, parent, _ in processes() if parent == self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # it takes its namespace along
        self.process.kill()

    def ask(self, *words):
        said = subprocess.run([CASTOFF, *words], env=self.environment, capture_output=True, timeout=120)
        return said.returncode, said.stdout, said.stderr.decode(errors="replace").strip()

    def sample(self):
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        # what a process that it has just made still shares with it counts as well
        dirty = [line for line in lines if line.startswith(("Private_Dirty:", "Shared_Dirty:"))]
        memory = sum(int(line.split()[1]) for line in dirty)
        zombies = {pid for pid, parent, state in processes() if parent == self.pid and state == "Z"}
        return memory, len(os.listdir(f"/proc/{self.pid}/fd")), zombies


def processes():
    """All: process id, parent, state."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                state, parent = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            yield int(entry), int(parent), state


class Client(threading.Thread):
    """Asks now and then, at random times, until it is told that it is over."""

    def __init__(self, castoff):
        super().__init__(daemon=True)
        self.castoff, self.over, self.asked, self.failures = castoff, threading.Event(), 0, []
        self.start()

    def run(self):
        while not self.over.wait(random.random() * min(2.0, SECONDS / 20)):
            self.castoff.well.touch() if random.random() < 0.5 else self.castoff.well.unlink(missing_ok=True)
            words, right = random.choice([
                (["--status"], {0}),
                (["--status", "--format", "prometheus"], {0}),
                (["--healthcheck"], {0, 1}),
                (["--restart", "prints"], {0}),
                (["--restart", "checked"], {0}),
                (["--status", "nobody"], {64}),
            ])
            code, _, error = self.castoff.ask(*words)
            self.asked += 1
            if code not in right and len(self.failures) < 5:
                self.failures.append(f"castoff {' '.join(words)} ended with {code}: {error}")


def watch(castoff):
    """Samples until the time is over: (memory, descriptors) of the two halves; zombies that stayed."""
    begun, stayed, before = time.monotonic(), set(), set()
    warm, halves = SECONDS / 10, ([], [])
    while (passed := time.monotonic() - begun) < SECONDS and castoff.process.poll() is None:
        memory, descriptors, zombies = castoff.sample()
        stayed |= zombies & before
        before = zombies
        if passed >= warm:
            halves[passed >= (warm + SECONDS) / 2].append((memory, descriptors))
        time.sleep(SAMPLE)
    return halves, stayed


def compare(what, halves, tolerance):
    """What was too much, and the figures as text: the least, the most of nine tenths, the most."""
    figures = []
    for half in map(sorted, halves):
        figures.append((half[0], half[len(half) * 9 // 10], half[-1]))
    text = " then ".join("{}-{} (once {})".format(*half) for half in figures) + f" {what}"
    grew = figures[1][1] - figures[0][1] > tolerance
    return [f"it grew: {text}"] if grew else [], text


def stop(castoff):
    """Tells it to end; its code, and the seconds until then."""
    begun = time.monotonic()
    os.kill(castoff.pid, signal.SIGTERM)
    try:
        code = castoff.process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        code = None
    return code, time.monotonic() - begun


def soak(castoff):
    """What was wrong, and the figures."""
    client = Client(castoff)
    halves, stayed = watch(castoff)
    if castoff.process.poll() is not None:
        return [f"castoff has ended with {castoff.process.returncode}", *castoff.error.last], ""
    client.over.set()
    client.join()
    code, answer, error = castoff.ask("--status", "--format", "json")
    if code != 0:
        return [f"castoff can't be asked any more: {error}"], ""
    status = json.loads(answer)
    starts = {service["name"]: service["starts"] for service in status["services"]}
    runs = status["crons"][0]["runs"]
    code, took = stop(castoff)
    wrong = list(client.failures)
    for reader in (castoff.output, castoff.error):
        # whoever castoff left behind holds the stream
        reader.join(timeout=10)
        if reader.is_alive():
            wrong.append("its output is still open after its end")
    columns = [[[row[column] for row in half] for half in halves] for column in (0, 1)]
    grew, memory = compare("kB of memory", columns[0], 16)
    more, descriptors = compare("descriptors", columns[1], 6)
    wrong += grew + more
    if status["castoff"]["pid"] != 1:
        wrong.append("castoff was not PID 1")
    if stayed:
        wrong.append(f"{len(stayed)} zombies stayed")
    if code != 0 or took > GRACE + 1:
        wrong.append(f"told to end, it ended with {code} after {took:.1f} s")
    lines = castoff.output.kinds + castoff.error.kinds
    wrong += [f"a line came out as {line!r}" for line in castoff.output.broken + castoff.error.broken]
    tried = starts["dies"] > 1, starts["prints"], runs, client.asked, lines["prints"], lines["cron"]
    if not all(tried):
        wrong.append(f"nothing was tried: {starts}, {runs} runs, {client.asked} questions, {dict(lines)}")
    figures = f"{SECONDS:g} s, {sum(starts.values())} starts, {runs} runs, {client.asked} questions, "
    figures += f"{sum(lines.values())} lines; {memory}; {descriptors}; ended after {took:.2f} s"
    return wrong, figures


def main():
    if shutil.which("unshare") is None or subprocess.run(
        ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--pid", "--fork", "true"],
        stderr=subprocess.DEVNULL,
    ).returncode:
        print("skipped: soak (no PID namespace can be made here)")
        return
    # told to end, it removes what it made
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="castoff-soak-") as directory, Castoff(Path(directory)) as castoff:
        wrong, figures = soak(castoff)
    print(f"soak: {figures}")
    for line in wrong:
        print(f"soak: {line}")
    sys.exit(bool(wrong))


main()
