"""Chromium through its own protocol: which scripts a page runs, what it asks for, how it looks."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)  # fmt: skip
HEIGHTS = {390: 844}  # of a phone
LINKS = """JSON.stringify([...document.querySelectorAll('[href],[src],[action]')].map(
  e => e.href || e.src || e.action))"""


# axe cannot tell a contrast on a gradient: the shadows at the edges of what scrolls.
PLAIN = """document.head.insertAdjacentHTML("beforeend",
  "<style>.scroll, nav ul { background: var(--paper) !important; }</style>")"""
RUN_AXE = """axe.run().then(({violations}) => violations.filter(v => v.impact !== "minor").map(
  v => [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))"""


def find() -> str | None:
    """The first browser there is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def audit(browser: Browser, page: Path, *, width: int, dark: bool) -> dict[str, list[str]]:
    """The rules of accessibility that a page breaks by axe, each with elements that do."""
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    return dict(browser.evaluate(page, PLAIN, f"{axe};0", RUN_AXE, width=width, dark=dark))


@dataclass
class Seen:
    """What became of a page: scripts that ran, addresses it asked for, all that it names."""

    scripts: list[str] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def fetched(self) -> list[str]:
        return [url for url in self.asked.values() if not url.startswith("data:")]


class Browser:
    """A browser that reaches no host, with a profile of its own; close it at the end."""

    def __init__(self, path: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def plug() -> None:  # the protocol's two ends are these numbers
            ends = [os.dup(theirs_in), os.dup(theirs_out)]
            for number, end in enumerate(ends, start=3):
                os.dup2(end, number)

        command = [path, *QUIET, f"--user-data-dir={profile}"]
        self._log = (profile.parent / "browser.log").open("w")
        self._process = subprocess.Popen(
            command, preexec_fn=plug, close_fds=False, stdout=self._log, stderr=self._log
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._rest, self.events = 0, b"", []

    def open(self, page: Path, *, policy: bool, seconds: float = 0.25) -> Seen:
        """Open a file, give it `seconds` more after it is loaded, and tell what it did.

        Without `policy`, its Content-Security-Policy counts for nothing.
        """
        target, session = self._attach("Page", "Network", "Debugger", "Runtime")
        self.call("Page.setBypassCSP", session, enabled=not policy)
        self._load(session, page)
        self._until(lambda: False, seconds=seconds)
        seen = Seen()
        for event in self.events:
            self._note(event["method"], event.get("params", {}), seen)
        seen.asked = {n: url for n, url in seen.asked.items() if url != page.as_uri()}
        if not self._happened("Page.javascriptDialogOpening"):  # which would hold up the rest
            seen.named = json.loads(self._value(session, LINKS))
            seen.text = self._value(session, "document.body.innerText")
        self.call("Target.closeTarget", targetId=target)
        return seen

    def evaluate(self, page: Path, *scripts: str, width: int = 1280, dark: bool = False) -> Any:
        """Open a file on a screen so wide, light or dark; what the last of `scripts` gives.

        Also the result of a promise. The page's Content-Security-Policy counts for nothing.
        """
        target, session = self._attach("Page", "Runtime")
        self.call("Page.setBypassCSP", session, enabled=True)
        screen = {"width": width, "height": HEIGHTS.get(width, 800), "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", session, deviceScaleFactor=1, **screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", session, features=[scheme])
        self._load(session, page)
        found = [self._value(session, script) for script in scripts]
        self.call("Target.closeTarget", targetId=target)
        return found[-1]

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        answers: list[dict] = []

        def answered() -> bool:
            answers[:] = [e for e in self.events if e.get("id") == self._number]
            return bool(answers)

        self._until(answered, seconds=30)
        assert answers, f"no answer to {method}; see {self._log.name}"
        self.events.remove(answers[0])
        assert "error" not in answers[0], answers[0]
        return answers[0]["result"]

    def close(self) -> None:
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _attach(self, *domains: str) -> tuple[str, str]:
        """A new tab and the session with it, told of these domains."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in domains:
            self.call(f"{domain}.enable", session)
        return target, session

    def _load(self, session: str, page: Path) -> None:
        self.events.clear()
        self.call("Page.navigate", session, url=page.as_uri())
        ends = ("Page.loadEventFired", "Page.javascriptDialogOpening")
        self._until(lambda: any(map(self._happened, ends)), seconds=20)

    def _value(self, session: str, script: str) -> Any:
        told = {"awaitPromise": True, "returnByValue": True}
        found = self.call("Runtime.evaluate", session, expression=script, **told)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def _note(self, method: str, about: dict[str, Any], seen: Seen) -> None:
        if method == "Debugger.scriptParsed":
            seen.scripts.append(about["url"])
        elif method == "Page.javascriptDialogOpening":
            seen.scripts.append("a dialog")
        elif method == "Network.requestWillBeSent":
            seen.asked[about["requestId"]] = about["request"]["url"]
        elif method == "Network.loadingFailed" and about.get("blockedReason") == "csp":
            seen.asked.pop(about["requestId"], None)

    def _happened(self, method: str) -> bool:
        return any(event.get("method") == method for event in self.events)

    def _until(self, done: Any, *, seconds: float) -> None:
        """Take in what the browser says, until `done` or the time is over."""
        end = time.monotonic() + seconds
        while not done() and (left := end - time.monotonic()) > 0:
            if not select.select([self._in], [], [], left)[0]:
                return
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                return
            *whole, self._rest = (self._rest + chunk).split(b"\0")
            self.events += map(json.loads, whole)
