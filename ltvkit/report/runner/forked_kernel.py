"""A kernel that is forked from its worker, which has imported everything already.

It is forked first, before the worker has threads, and waits until papermill starts it.
"""

import atexit
import json
import os
import signal
import sys
import traceback
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

NAME = "ltvkit-forked"


class Kernel:
    """A forked process that waits to become a kernel; like `subprocess.Popen` then."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, orders: int) -> None:
        self.pid, self.returncode = pid, None
        self._orders = orders

    def launch(self, connection_file: str, *, cwd: str, environment: dict[str, str]) -> None:
        """Tell the process to become the kernel of a connection file."""
        task = {"file": connection_file, "cwd": cwd, "environment": environment}
        with open(self._orders, "w", encoding="utf-8") as pipe:
            json.dump(task, pipe)

    def poll(self) -> int | None:
        return self._wait(os.WNOHANG)

    def wait(self) -> int | None:
        return self._wait(0)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _wait(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


def fork(status: int) -> Kernel:
    """Fork the kernel; `status` is the pipe of the worker's exit status, which it closes."""
    orders, pipe = os.pipe()
    pid = os.fork()
    if pid:
        os.close(orders)
        return Kernel(pid, pipe)
    os.close(pipe)
    os.close(status)
    code = 1
    try:
        _become_kernel(orders)
        code = 0
    except Exception:
        traceback.print_exc()  # to the log of the run
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def _become_kernel(orders: int) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    with open(orders, encoding="utf-8") as pipe:
        text = pipe.read()
    if not text:  # the worker has ended
        return
    task = json.loads(text)
    os.environ.clear()
    os.environ.update(task["environment"])
    os.chdir(task["cwd"])
    from ipykernel.kernelapp import IPKernelApp

    options = ["-f", task["file"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    sys.argv = ["ipykernel_launcher", *options]
    IPKernelApp.launch_instance(options)


class Provisioner(LocalProvisioner):
    """Starts the forked kernel; a notebook for another kernel than this Python's gets its own."""

    kernel: Kernel | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Start the kernel."""
        forked = type(self).kernel
        if forked is None or cmd[0] != sys.executable or "ipykernel_launcher" not in cmd:
            return await super().launch_kernel(cmd, **options)
        cwd, known = options.get("cwd") or os.getcwd(), options.get("env") or dict(os.environ)
        forked.launch(self.parent.connection_file, cwd=str(cwd), environment=known)
        self.process, self.pid, self.pgid, self.cwd = forked, forked.pid, forked.pid, cwd
        return self.connection_info
