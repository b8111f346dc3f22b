"""A real standalone Spark cluster on loopback: a master and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyspark

HOST = "127.0.0.1"
# Of processes that live for minutes, compiling to the last takes more time than it saves.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
JAVA = dict.fromkeys(("SPARK_LAUNCHER_OPTS", "SPARK_DAEMON_JAVA_OPTS", "SPARK_SUBMIT_OPTS"), QUICK)
CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


@dataclass
class Cluster:
    """`workers` of one core each; what they write is below `folder`."""

    folder: Path
    size: int = 2
    memory: str = "1200m"
    port: int = field(default_factory=free_port)
    page: int = field(default_factory=free_port)
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def master(self) -> str:
        return f"spark://{HOST}:{self.port}"

    @property
    def spark(self) -> dict:
        """What a params file says of it."""
        conf = {"spark.executor.memory": "1g", "spark.sql.shuffle.partitions": "4"}
        conf["spark.executor.extraJavaOptions"] = QUICK
        return {"master": self.master, "conf": conf}

    def __enter__(self) -> Cluster:
        try:
            ports = ("--port", self.port, "--webui-port", self.page)
            self._start("master.Master", "--host", HOST, *ports)
            self._until(lambda: self._state() is not None)
            for _number in range(self.size):
                self.add_worker()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for process in reversed(self.processes):
            kill(process.pid)
            process.wait()

    def add_worker(self) -> subprocess.Popen:
        known = len(self._workers())
        options = ("--host", HOST, "--cores", 1, "--memory", self.memory, "--webui-port", 0)
        process = self._start("worker.Worker", self.master, *options)
        self._until(lambda: len(self._workers()) > known)
        return process

    def done(self, worker: subprocess.Popen) -> int:
        """How many tasks the executors have done that a worker runs now."""
        tasks = 0
        for child in psutil.Process(worker.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess, FileNotFoundError):
                if "CoarseGrainedExecutor" in " ".join(child.cmdline()):
                    log = Path(child.cwd(), "stderr").read_text("utf-8", "replace")
                    tasks += log.count("Finished task")
        return tasks

    def _start(self, name: str, *options: object) -> subprocess.Popen:
        log = (self.folder / f"{name}-{len(self.processes)}.log").open("wb")
        work = {"SPARK_LOCAL_IP": HOST, "SPARK_WORKER_DIR": str(self.folder / "work")}
        process = subprocess.Popen(
            [str(CLASS), f"org.apache.spark.deploy.{name}", *map(str, options)],
            env=os.environ | work,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def _workers(self) -> list[dict]:
        """All that the master has seen, those it has lost too."""
        return (self._state() or {"workers": []})["workers"]

    def _state(self) -> dict | None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.page}/json/", timeout=5) as page:
                return json.load(page)
        except (OSError, ValueError):
            return None

    @staticmethod
    def _until(holds, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "the cluster did not start"
            time.sleep(0.2)


def kill(pid: int) -> None:
    """A process and all it started, at once, as when a machine goes dark."""
    try:
        family = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
