"""`make soak`: faults at random, many of each kind, and a table of what came of them.

LTVKIT_SOAK scales how many, LTVKIT_SOAK_SEED chooses which, LTVKIT_SOAK_KINDS names the kinds to
run (as `kills,edits`), LTVKIT_SOAK_ONE one attempt alone by its number. The exit status is 1 if
anything wrong was published, or anything lost, named, broken off with a traceback or not healed.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from soak import clones, damages, edits, kills, probes, shop
from soak.judge import FAULTS, Verdict

HOME = Path(__file__).resolve().parents[2]
KINDS = {"kills": kills, "damages": damages, "edits": edits, "probes": probes, "clones": clones}
ONCE = ("clones",)  # an attempt of some minutes that knows no chance
PAGES = {"kills": 4, "edits": 2}  # notebooks; one is enough for the others
HEAD = ("attempts", "right", "refused", *FAULTS)


def main() -> None:
    scale = float(os.environ.get("LTVKIT_SOAK", "1"))
    seed = os.environ.get("LTVKIT_SOAK_SEED", "1")
    asked = os.environ.get("LTVKIT_SOAK_KINDS", ",".join([*KINDS, "params", "files"])).split(",")
    only = os.environ.get("LTVKIT_SOAK_ONE")
    counts = {}
    with shop.room() as room:
        for kind in (kind for kind in asked if kind in KINDS):
            many = 1 if kind in ONCE else max(1, round(50 * scale))
            numbers = [int(only)] if only else range(many)
            counts[kind] = sum((run(room, kind, seed, n) for n in numbers), Counter())
    for kind in (kind for kind in asked if kind in SUITES):
        counts[kind] = run_suite(kind, scale)
    print_table(counts)
    sys.exit(any(count[fault] for count in counts.values() for fault in FAULTS))


def run(room: shop.Room, kind: str, seed: str, number: int) -> Counter:
    """One attempt, which its kind, seed and number make again."""
    begun, room.pages = time.monotonic(), PAGES.get(kind, 1)
    try:
        verdict = KINDS[kind].attempt(room, random.Random(f"{kind} {seed} {number}"))
    except Exception:  # of the soak itself, or what it found where it did not look for it
        verdict = Verdict("the attempt itself", "refused", {"not healed": traceback.format_exc()})
    ended = ", ".join(verdict.faults) or verdict.ended
    print(f"{kind} {number}: {verdict.did}: {ended} ({time.monotonic() - begun:.0f} s)", flush=True)
    for fault, why in verdict.faults.items():
        again = (
            f"LTVKIT_SOAK_KINDS={kind} LTVKIT_SOAK_SEED={seed} LTVKIT_SOAK_ONE={number} make soak"
        )
        print(f"  {fault.upper()}: {why}\n  again: {again}", flush=True)
    return Counter(attempts=1, **{verdict.ended: 1}) + Counter(verdict.faults.keys())


# Tests of many attempts each: the variable that says how many, and how many are meant.
SUITES = {
    "params": ("tests/config/test_params_fuzz.py", "LTVKIT_PARAMS_FUZZ", 2000),
    "files": ("tests/ingest/test_fuzz.py", "LTVKIT_FUZZ", 20_000),
}


def run_suite(kind: str, scale: float) -> Counter:
    """A test module that does the attempts itself; a test that fails counts once."""
    path, variable, many = SUITES[kind]
    n = max(1, round(many * scale))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", path]
    env = os.environ | {variable: str(n)}
    done = subprocess.run(command, cwd=HOME, env=env, capture_output=True, text=True)
    print(f"{kind}: {done.stdout.strip().splitlines()[-1]}", flush=True)
    failed = sum(map(int, re.findall(r"(\d+) (?:failed|error)", done.stdout))) or done.returncode
    if failed:
        print(done.stdout[-5000:], done.stderr[-2000:])
    return Counter({"attempts": n, "refused": n - failed, "traceback": failed})


def print_table(counts: dict[str, Counter]) -> None:
    print(f"\n{'':10}" + "".join(f"{name:>12}" for name in HEAD))
    for kind, count in counts.items():
        print(f"{kind:10}" + "".join(f"{count[name]:>12}" for name in HEAD))


if __name__ == "__main__":
    main()
