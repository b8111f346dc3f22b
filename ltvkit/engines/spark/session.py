"""The Spark session of this process, started once and only if the cluster answers."""

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

from ltvkit.core import cache_folder, files, paths, redaction
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ClusterError

# Seconds to wait: for a host to answer, for a session to begin, for a worker to be free; and for
# either of the latter two where machines must be found first (YARN, Kubernetes).
ANSWER, START, FIRST_TASK, QUEUED = 5, 60, 120, 300
_FAULT = re.compile(r"^(?=\S).*(?:Exception|Error|Invalid).*$", re.M)  # not lines of a traceback
_open: dict[str, Any] = {}


def start(settings: Settings) -> Any:
    """The session on this cluster; raises `ClusterError` if it does not answer in time."""
    if _open.get("settings") == settings and _lives(_open["session"]):
        return _open["session"]
    close()
    _check_installed(settings)
    _check_answers(settings)
    _check_alone()
    found: dict[str, Any] = {"logged": log().stat().st_size if log().exists() else 0}
    slow = not settings.servers or settings.where.startswith("k8s")
    with _redirect_stderr(log()):
        _in_time(QUEUED if slow else START, _begin, settings, found)
    if "session" in found:
        _in_time(QUEUED if slow else FIRST_TASK, _first_task, settings, found)
    if "done" not in found:
        found["late"] = True
        with suppress(Exception):
            found["session"].stop()
        raise _start_error(settings, found)
    _open.update(settings=settings, session=found["session"])
    return found["session"]


def close() -> None:
    """End the session, with all frames made in it, so that others can use the cluster."""
    if _open:
        with suppress(Exception):  # it may have ended already
            _open["session"].stop()
        _open.clear()


def _lives(session: Any) -> bool:
    """Whether a session still works: not stopped, and its cluster there."""
    with suppress(Exception):
        if hasattr(session, "is_stopped"):  # Spark Connect
            return not session.is_stopped
        return session.sparkContext.defaultParallelism > 0  # raises if it is stopped
    return False


def settings() -> Settings | None:
    """The settings of the open session."""
    return _open.get("settings")


def log() -> Path:
    """Spark's log file."""
    return paths.cache() / "spark.log"


def _log() -> str:
    return paths.shorten(log())


def _in_time(seconds: float, work: Callable, *args: Any) -> None:
    """Run `work` in a daemon thread and wait at most `seconds` for it."""
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    thread.join(seconds)


def _begin(settings: Settings, found: dict[str, Any]) -> None:
    from pyspark.sql import SparkSession

    # The warning would be on a page; tests/spark checks the locked versions.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    named = SparkSession.builder.remote if settings.remote else SparkSession.builder.master
    builder = named(settings.where)
    for name, value in settings.options.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
        if "late" in found:  # nobody waits for it any longer
            session.stop()
        found["session"] = session
    except Exception as error:  # of Spark, Java or the network
        found["error"] = error


def _first_task(settings: Settings, found: dict[str, Any]) -> None:
    try:
        _bring_code(found["session"], settings)
        found["done"] = found["session"].range(1).count()
    except Exception as error:
        found["error"] = error


def _bring_code(session: Any, settings: Settings) -> None:
    """Send the kit's code to the workers, which validate the orders with it."""
    packed = pack_code(cache_folder.locate() / "ltvkit.zip")
    if settings.remote:
        session.addArtifacts(str(packed), pyfile=True)
    else:
        session.sparkContext.addPyFile(str(packed))


def pack_code(path: Path) -> Path:
    """Write the kit's code and its tables of facts as a zip archive; returns its path."""
    home = paths.package()
    with files.replacing(path) as part, zipfile.ZipFile(part, "w") as packed:
        for source in sorted(home.rglob("*.*")):
            if source.suffix in (".py", ".yaml", ".json", ".csv"):
                packed.write(source, source.relative_to(home.parent))
    return path


@contextmanager
def translate_errors(what: str) -> Iterator[None]:
    """Raise `ClusterError` for an error of Spark within the block."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise ClusterError(f"Spark failed on {what}: {_first_line(error)} See {_log()}.") from error


def _first_line(error: Exception) -> str:
    """The message of an error in one line, without what it may quote of the data."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    of_java = [line.removeprefix(": ") for line in lines if line.startswith(": ")]
    return redaction.foreign((of_java or lines or [""])[0])


def _failure_reason(found: dict[str, Any]) -> str:
    """Why the start failed; if Java did not start, only the log says why."""
    error = found["error"]
    logged = log().read_bytes()[found["logged"] :].decode("utf-8", "replace")
    fault = _FAULT.search(logged) if "JAVA_GATEWAY_EXITED" in str(error) else None
    message = redaction.foreign(fault.group()) if fault else _first_line(error)
    return f"{type(error).__name__}: {message}"


@contextmanager
def _redirect_stderr(path: Path) -> Iterator[None]:
    """Within the block, standard error goes to a file.

    Java, started in the block, keeps writing there: its output would otherwise be on a notebook's
    page.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stderr = os.dup(2)
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


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
    """Spark would return a session that others started, on whatever cluster that is."""
    loaded = sys.modules.get("pyspark.sql")
    if loaded and loaded.SparkSession.getActiveSession() is not None:
        raise ClusterError(
            "this process already has a Spark session, maybe on another cluster: end it first "
            "(spark.stop()), or restart the kernel."
        )


def _check_answers(settings: Settings) -> None:
    """Raise unless one of the hosts takes a connection; Spark itself would try for minutes."""
    reasons = []
    for host, port in settings.servers:
        try:
            socket.create_connection((host, port), timeout=ANSWER).close()
            return
        except OSError as error:
            reasons.append(f"{host}:{port}: {error.strerror or redaction.foreign(error)}")
    if reasons:
        raise ClusterError(
            f"the cluster at {settings.where} cannot be reached ({'; '.join(reasons)}). Is it "
            "running, and open to this machine? Reports stay as they are."
        )


def _start_error(settings: Settings, found: dict[str, Any]) -> ClusterError:
    reason = "no worker took a task: none is there, or all are busy"
    if "session" not in found:
        reason = "no session could be started"
    if "error" in found:
        reason = _failure_reason(found)
    return ClusterError(
        f"the cluster at {settings.where} does not work ({reason}). See {_log()}. Reports stay as "
        "they are."
    )
