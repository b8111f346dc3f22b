"""The Spark session of this process: opened once, and only where the cluster answers."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ltvkit.core import files, paths, redaction
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ClusterError

ANSWER, START = 5, 60  # seconds that a host has to answer, and a session to begin
FIRST_TASK = 120  # seconds until a worker is free
QUEUED = 300  # seconds for both, where machines are first to be found (YARN, Kubernetes)
_FAULT = re.compile(r"^(?=\S).*(?:Exception|Error|Invalid).*$", re.M)  # in the log, but no trace
_open: dict[str, Any] = {}


def start(settings: Settings) -> Any:
    """The session on this cluster; raises `ClusterError` where it does not answer in time."""
    if _open.get("settings") == settings and _lives(_open["session"]):
        return _open["session"]
    close()
    _check_installed(settings)
    _check_answers(settings)
    _check_alone()
    found: dict[str, Any] = {"logged": log().stat().st_size if log().exists() else 0}
    slow = not settings.servers or settings.where.startswith("k8s")
    with _said_to(log()):
        _in_time(QUEUED if slow else START, _begin, settings, found)
    if "session" in found:
        _in_time(QUEUED if slow else FIRST_TASK, _first_task, settings, found)
    if "done" not in found:
        found["late"] = True
        with suppress(Exception):
            found["session"].stop()
        raise _refused(settings, found)
    _open.update(settings=settings, session=found["session"])
    return found["session"]


def close() -> None:
    """Give the cluster back to others. What was made in the session is gone with it."""
    if _open:
        with suppress(Exception):  # it may be gone already
            _open["session"].stop()
        _open.clear()


def _lives(session: Any) -> bool:
    """Whether nobody has stopped it since, and no cluster has gone away with it."""
    with suppress(Exception):
        if hasattr(session, "is_stopped"):  # of Spark Connect
            return not session.is_stopped
        return session.sparkContext.defaultParallelism > 0  # raises where it is stopped
    return False


def settings() -> Settings | None:
    """Of the session that is open."""
    return _open.get("settings")


def log() -> Path:
    """Where Spark writes what it has to say."""
    return paths.cache() / "spark.log"


def _log() -> str:
    return paths.shorten(log())


def _in_time(seconds: float, work: Callable, *args: Any) -> None:
    """Do something that may never end, and wait so long for it."""
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    thread.join(seconds)


def _begin(settings: Settings, found: dict[str, Any]) -> None:
    from pyspark.sql import SparkSession

    # A page is no place for it, and tests/spark holds the engines equal with the locked versions.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    named = SparkSession.builder.remote if settings.remote else SparkSession.builder.master
    builder = named(settings.where)
    for name, value in settings.options.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
        if "late" in found:  # nobody waits for it any more
            session.stop()
        found["session"] = session
    except Exception as error:  # whatever Spark, Java or the network have to say
        found["error"] = error


def _first_task(settings: Settings, found: dict[str, Any]) -> None:
    try:
        _bring_code(found["session"], settings)
        found["done"] = found["session"].range(1).count()
    except Exception as error:
        found["error"] = error


def _bring_code(session: Any, settings: Settings) -> None:
    """The workers run this very code, as they pass the orders through the door."""
    home = paths.package()
    with (
        files.replacing(paths.cache() / "ltvkit.zip") as part,
        zipfile.ZipFile(part, "w") as packed,
    ):
        for path in sorted(home.rglob("*.py")):
            packed.write(path, path.relative_to(home.parent))
    if settings.remote:
        session.addArtifacts(str(paths.cache() / "ltvkit.zip"), pyfile=True)
    else:
        session.sparkContext.addPyFile(str(paths.cache() / "ltvkit.zip"))


@contextmanager
def translate_errors(what: str) -> Iterator[None]:
    """What Spark stumbles over, for a reader."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise ClusterError(
            f"the cluster cannot do what is asked of it for {what}: {_said(error)} See {_log()}."
        ) from error


def _said(error: Exception) -> str:
    """What an error says in one line, which is not a trace, without what it may quote."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    of_java = [line.removeprefix(": ") for line in lines if line.startswith(": ")]
    return redaction.mask_foreign((of_java or lines or [""])[0])


def _why(found: dict[str, Any]) -> str:
    """What went wrong at the start; where Java did not even begin, only the log has it."""
    error = found["error"]
    told = log().read_bytes()[found["logged"] :].decode("utf-8", "replace")
    fault = _FAULT.search(told) if "JAVA_GATEWAY_EXITED" in str(error) else None
    said = redaction.mask_foreign(fault.group()) if fault else _said(error)
    return f"{type(error).__name__}: {said}"


@contextmanager
def _said_to(path: Path) -> Iterator[None]:
    """Java writes to the terminal, which for a notebook is its page: to a file instead.

    It keeps the file that it is started with; this process has its own back afterwards, also where
    Java never answers, so that its error is seen.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(2)
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_installed(settings: Settings) -> None:
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise ClusterError(
            "engine: spark needs PySpark, which is not installed: run `make spark`, or "
            "`pip install -r requirements-spark.txt`."
        ) from error
    java = Path(os.environ.get("JAVA_HOME", "."), "bin", "java")
    if not settings.remote and not java.is_file() and not shutil.which("java"):
        raise ClusterError(
            "engine: spark needs Java 17 or later on this machine: install it (on Debian or "
            "Ubuntu: sudo apt install openjdk-17-jre-headless), or set JAVA_HOME. With "
            "`spark: {remote: sc://...}` it is not needed."
        )


def _check_alone() -> None:
    """A session that somebody else began would be given back, whatever cluster is asked for."""
    loaded = sys.modules.get("pyspark.sql")
    if loaded and loaded.SparkSession.getActiveSession() is not None:
        raise ClusterError(
            "this process has a Spark session already, of another cluster perhaps: end it first "
            "(spark.stop()), or restart the kernel."
        )


def _check_answers(settings: Settings) -> None:
    """One of the hosts takes a connection; Spark itself would try for minutes."""
    reasons = []
    for host, port in settings.servers:
        try:
            socket.create_connection((host, port), timeout=ANSWER).close()
            return
        except OSError as error:
            reasons.append(f"{host}:{port}: {error.strerror or error}")
    if reasons:
        raise ClusterError(
            f"the cluster at {settings.where} cannot be reached ({'; '.join(reasons)}). Is it "
            "running, and open to this machine? Reports stay as they are."
        )


def _refused(settings: Settings, found: dict[str, Any]) -> ClusterError:
    reason = "no worker took a task: none is there, or all are busy"
    if "session" not in found:
        reason = "it takes no session"
    if "error" in found:
        reason = _why(found)
    return ClusterError(
        f"the cluster at {settings.where} does not work ({reason}). See {_log()}. Reports stay as "
        "they are."
    )
