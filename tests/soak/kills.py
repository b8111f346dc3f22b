"""A run that is killed outright: the runner, a worker, a kernel or all of them, at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from soak import shop
from soak.judge import Verdict, judge
from soak.shop import Room

WHO = ("runner", "server", "worker", "kernel", "all")
PARTS = ("server", "worker", "kernel")  # of a run; the server is what workers are forked from
STEPS = 200  # the moments are these parts of a run, so that they do not depend on the machine


def attempt(room: Room, rng: random.Random, *, short: bool = False) -> Verdict:
    """Correct the export, run, kill; the report is the old one or the new one, then the new one.

    A `short` attempt builds the first report, so that no other one needs to be known.
    """
    root, who, step = room.restore(), rng.choice(WHO), rng.randrange(STEPS)
    asked = ("first", 5) if short else ("other", 6)
    if short:
        shop.forget_report(root)
        shop.forget_cache(root)
    else:
        shop.write_params(root, top=6)
        (root / "orders.csv").write_bytes(shop.content("other"))
    before = shop.published(root)
    room.right(*asked)  # also tells how long a run takes
    process = shop.begin(root)
    end = time.monotonic() + room.seconds * step / STEPS
    while time.monotonic() < end and process.runs():
        time.sleep(0.02)
    while who in PARTS and not find(root, who) and process.runs():
        time.sleep(0.02)
    killed = [process.pid] if who in ("runner", "all") else []
    killed += [] if who == "runner" else find(root, who)
    for pid in killed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    said = process.end()
    did = f"killed the {who} ({len(killed)} processes) at {step}/{STEPS} of a run"
    return judge(room, did, said, before=before, may=[asked], then=asked)


def find(root: Path, who: str) -> list[int]:
    """The processes of a kind that work for the project; copies are told by their parents."""
    found: dict[str, list[int]] = {part: [] for part in PARTS}
    known = shop.processes(root)
    for pid in known:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            line, parent = " ".join(process.cmdline()), process.ppid()
            if "ipykernel_launcher" in line or parent in found["worker"]:
                found["kernel"].append(pid)
            elif "runner.worker" in line or parent in found["server"]:
                found["worker"].append(pid)
            elif "runner.forkserver" in line:
                found["server"].append(pid)
    return known if who == "all" else found[who]
