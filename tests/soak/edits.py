"""An export that is written while a report is built from it."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from soak import shop
from soak.judge import Verdict, judge
from soak.kills import STEPS
from soak.shop import Room

# What is done -> the state that the export is in then.
KINDS = {
    "append": "more",
    "overwrite with the same size and times": "other",
    "cut": "half",
    "delete and make anew": "other",
    "rename another over it": "other",
    "rename another with its times over it": "other",
    "overwrite, and back again": "first",
}


def attempt(room: Room, rng: random.Random, *, short: bool = False) -> Verdict:
    """Ask for another report of the same export, and edit that meanwhile.

    A `short` attempt asks for the first report, and the export is in the end as it was.
    """
    root, step, wait = room.restore(), rng.randrange(STEPS), rng.random() / 2
    kind = "overwrite, and back again" if short else rng.choice(sorted(KINDS))
    cached, top = not short and rng.random() < 0.5, 5 if short else 6
    if not cached:
        shop.forget_cache(root)
    if short:
        shop.forget_report(root)
    shop.write_params(root, top=top)
    before = shop.published(root)
    process = shop.begin(root)
    end = time.monotonic() + room.seconds * step / STEPS
    while time.monotonic() < end and process.runs():
        time.sleep(0.02)
    edit(root / "orders.csv", kind, wait)
    said = process.end()
    then = (KINDS[kind], top)
    may = [("first", top), then, *[("other", top)] * ("back" in kind)]
    did = f"{kind} at {step}/{STEPS} of a run {'with' if cached else 'without'} a cache"
    return judge(room, did, said, before=before, may=may, then=then)


def edit(path: Path, kind: str, wait: float) -> None:
    """Bring a file into another state; `wait` is between the two parts of what is done."""
    old, new = path.stat(), shop.content(KINDS[kind])
    times = (old.st_atime_ns, old.st_mtime_ns)
    other = path.with_name("other.csv.tmp")
    if kind == "append":
        with path.open("ab") as file:
            file.write(new[old.st_size :])
    elif kind.startswith("overwrite"):
        if "back" in kind:
            overwrite(path, shop.content("other"))
            time.sleep(wait * 10)
        overwrite(path, new)
        os.utime(path, ns=times)
    elif kind == "cut":
        os.truncate(path, len(new))
    elif kind.startswith("delete"):
        path.unlink()
        time.sleep(wait)
        path.write_bytes(new)
    else:
        other.write_bytes(new)
        if "times" in kind:
            os.utime(other, ns=times)
        os.replace(other, path)


def overwrite(path: Path, new: bytes) -> None:
    """Write over what is there, in one go, without emptying it first."""
    with path.open("r+b", buffering=0) as file:
        file.write(new)
