"""A file or folder of the cache that is damaged between two runs."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from soak import shop
from soak.judge import Verdict, judge
from soak.shop import Room

KEPT = "not of the kit"
WAYS = ("without the report", "as before", "with other params", "after a correction")


def attempt(room: Room, rng: random.Random, *, short: bool = False) -> Verdict:
    """Damage one thing, then run, for another report or, `short`, for the same one."""
    root = room.restore()
    cache = root / "reports" / ".cache"
    aside = root / "aside"
    (aside / "inner").mkdir(parents=True)
    (aside / "inner" / "keep.json").write_text(KEPT)
    path = choose(cache, rng)
    done = (damage_folder if path.is_dir() else damage_file)(path, rng, aside)
    then, way = change(room, choose_way(path, rng, short=short))
    did = f"{done} {path.relative_to(root)}; then a run {way}"
    verdict = judge(room, did, shop.run(root), before=shop.published(root), may=[then], then=then)
    if (aside / "inner" / "keep.json").read_text() != KEPT or len(list(aside.rglob("*"))) != 2:
        verdict.add("lost", "a file outside reports/ that a link led to")
    return verdict


def choose(cache: Path, rng: random.Random) -> Path:
    """Something in the cache: mostly a file of the orders or of finished notebooks."""
    found = sorted(cache.rglob("*"))
    part = rng.choice(("orders", "orders", "runs", "runs", ""))
    kept = [path for path in found if path.is_file() and f"/{part}/" in str(path)]
    return rng.choice(kept if part and kept else found)


def choose_way(path: Path, rng: random.Random, *, short: bool) -> str:
    """A next run that mostly needs what was damaged: finished notebooks, or orders."""
    needs = WAYS[0] if "/runs/" in str(path) or short else WAYS[2]
    return needs if rng.random() < 0.7 else rng.choice(WAYS[:2] if short else WAYS)


def change(room: Room, way: str) -> tuple[tuple[str, int], str]:
    """What is asked for next: the state and params whose report must follow, and the way itself."""
    if way == "without the report":
        shop.forget_report(room.root)
    if way in ("as before", "without the report"):
        return ("first", 5), way
    shop.write_params(room.root, top=6)
    if way == "with other params":
        return ("first", 6), way
    (room.root / "orders.csv").write_bytes(shop.content("other"))
    return ("other", 6), way


def damage_file(path: Path, rng: random.Random, aside: Path) -> str:
    """Do something to a file; returns what."""
    data = path.read_bytes()
    kind = rng.choice(("cut", "flipped", "emptied", "deleted", "folder", "link", "foreign", "loop"))
    if kind == "cut":
        os.truncate(path, len(data) // 2)
    elif kind == "flipped" and data:
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
    elif kind == "emptied":
        path.write_bytes(b"")
    elif kind == "foreign":
        others = [p for p in path.parents[1].rglob("*") if p.is_file() and p != path]
        path.write_bytes(rng.choice(others).read_bytes() if others else b"{}")
    else:
        path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(aside / "inner" / "keep.json")
    elif kind == "loop":
        path.symlink_to(path.name)
    return kind


def damage_folder(path: Path, rng: random.Random, aside: Path) -> str:
    kind = rng.choice(("deleted", "emptied", "file", "link"))
    shutil.rmtree(path)
    if kind == "emptied":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(b"")
    elif kind == "link":
        path.symlink_to(aside / "inner", target_is_directory=True)
    return kind
