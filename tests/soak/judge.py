"""What may follow a fault, and what must not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soak import shop
from soak.shop import Room, Said

FAULTS = ("wrong", "lost", "named", "traceback", "not healed")
Key = tuple[str, int]


@dataclass
class Verdict:
    """What was done, how it ended ("right" or "refused"), and each fault with its facts."""

    did: str
    ended: str = ""
    faults: dict[str, str] = field(default_factory=dict)

    def add(self, fault: str, why: str) -> None:
        self.faults.setdefault(fault, why)

    def check_text(self, said: Said) -> None:
        if "Traceback (most recent" in said.text:
            self.add("traceback", said.text[-2000:])
        if said.status is None:
            self.add("not healed", said.text)


def judge(
    room: Room, did: str, said: Said, *, before: dict[str, bytes], may: Sequence[Key], then: Key
) -> Verdict:
    """Look at the project after a run with a fault, and after one without.

    `before` was published until then. The run may have published the reports of `may`; a run that
    follows must publish that of `then`.
    """
    root, verdict = room.root, Verdict(did)
    wait_for_end(root, verdict)
    verdict.check_text(said)
    found = shop.published(root)
    may = may if said.status == 0 or found != before else ()  # what was there is no news
    good = any(room.right(*key) == found for key in may)
    if said.status == 0 or good:
        verdict.ended = "right"
    if said.status == 0 and not good:
        verdict.add("wrong", f"published {compare(found, room.right(*then))}")
    elif said.status != 0 and not good:
        _judge_refusal(verdict, root, said, found, before)
    healed = shop.run(root)
    verdict.check_text(healed)
    found = shop.published(root)
    if healed.status != 0 or found != room.right(*then):
        why = compare(found, room.right(*then))
        verdict.add("not healed", f"status {healed.status}, {why}: {healed.text[-1500:]}")
    wait_for_end(root, verdict)
    if left := list_left(root, room.aside):
        verdict.add("not healed", f"left: {left[:5]}")
    return verdict


def _judge_refusal(
    verdict: Verdict, root: Path, said: Said, found: dict[str, bytes], before: dict[str, bytes]
) -> None:
    verdict.ended = "refused"
    if found != before:
        fault = "lost" if set(before) - set(found) else "wrong"
        verdict.add(fault, f"after status {said.status}: {compare(found, before)}")
    told = shop.look(root)
    verdict.check_text(told)
    refused = said.status == 2 and "Error: " in said.text  # before anything was begun
    if "FAILED" not in told.text and not refused:
        verdict.add("wrong", f"status {said.status} is on no record: {said.text} {told.text}")


def wait_for_end(root: Path, verdict: Verdict) -> None:
    """All processes of a project end, also where their runner was killed."""
    end = time.monotonic() + 60
    while left := shop.processes(root):
        if time.monotonic() > end:
            verdict.add("not healed", f"{len(left)} processes are left")
            return
        time.sleep(0.1)


def list_left(root: Path, aside: Path) -> list[str]:
    """What only an unfinished run leaves behind, and temporary files."""
    reports = root / "reports"
    found = [p for p in reports.rglob("*") if p.suffix in (".new", ".old", ".part")]
    found += (reports / ".cache" / "runs").glob("*/*/.*")
    found += aside.iterdir()
    text = (reports / "index.html").read_text("utf-8")
    said = [word for word in ("FAILED", "being built") if word in text]
    return [str(p.relative_to(root.parent)) for p in found] + said


def compare(found: dict[str, bytes], wanted: dict[str, bytes]) -> str:
    """How a report differs from the right one."""
    differ = [name for name in wanted if name in found and found[name] != wanted[name]]
    gone, more = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    seen = [found[name].decode("utf-8", "replace") for name in differ if "seen" in name]
    return f"differs in {differ[:6]}, lacks {gone[:6]}, has {more[:6]} {seen}"
