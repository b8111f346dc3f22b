"""Git, asked for what was committed.

Only commands that read are meant. Nothing that a repository's configuration names is run: no hook,
no monitor of files, no pager, no download of what is missing. Replaced objects are not followed.
"""

import os
import subprocess
from pathlib import Path

from ltvkit.core import redaction

TIMEOUT = 20  # seconds
# Variables that lead git elsewhere, as inside a hook; see `git rev-parse --local-env-vars`.
_ELSEWHERE = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT"),
    *("GIT_CONFIG_PARAMETERS", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE"),
)
_SAFE = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_OPTIONS = ("--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")


class GitError(Exception):
    """Git is not there, took too long, or failed; the message is its own, in a line."""


def holds(folder: Path) -> bool:
    """Whether a folder is in a repository, without asking git."""
    here = folder.resolve()
    return any((place / ".git").exists() for place in (here, *here.parents))


def run(folder: Path, *arguments: str) -> bytes:
    """What a command of git prints, run in `folder`; raises `GitError`."""
    known = {k: v for k, v in os.environ.items() if k not in _ELSEWHERE} | _SAFE
    try:
        done = subprocess.run(
            ["git", *_OPTIONS, *arguments],
            cwd=folder,
            env=known,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git could not be run ({type(error).__name__})") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitError(redaction.foreign(said[0].removeprefix("fatal: ")) if said else "git failed")
    return done.stdout
