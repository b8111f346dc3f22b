"""The wheel, outside any checkout: it holds all that the kit needs, and makes a project that works.

By default the wheel is unpacked beside the packages of this environment. `make test-wheel` names
Pythons in LTVKIT_PYTHONS, and the wheel is installed into a new environment of each of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from stub_project import HOME

UV = [sys.executable, "-m", "uv", "--no-python-downloads"]
# What an analyst does: open the shop, and run a notebook in its own folder, as JupyterLab does.
EXPLORE = """
import nbclient, nbformat, ltvkit
from ltvkit import rfm
shop = ltvkit.open("params/mine.yaml")
print(ltvkit.__file__, rfm.summarize(rfm.segment(rfm.score(shop.customers)))["customers"].sum())
book = nbformat.read("notebooks/01_rfm.ipynb", 4)
nbclient.NotebookClient(book, resources={"metadata": {"path": "notebooks"}}).execute()
print(book.cells[-1].outputs[-1]["text"])
"""


def run(*command: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def tracked() -> list[str]:
    found = run("git", "ls-files", "-co", "--exclude-standard", cwd=HOME).splitlines()
    return [name for name in found if (HOME / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the tracked files, so that no build/ is left here."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    build = [*UV, "build", "-q", "--no-build-isolation", "--python", sys.executable]
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((HOME / name).read_bytes())
    (source / "params" / "mine.yaml").write_text("shop: mine\n")  # a user's own stays at home
    run(*build, "-o", target, source)
    assert len([*target.glob("*.tar.gz")]) == 1
    return next(target.glob("*.whl"))


def test_it_holds_every_file_of_the_kit_and_what_a_project_starts_with(wheel):
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    mine = ("notebooks/", "params/")
    kit = {name for name in tracked() if name.startswith("ltvkit/")}
    started = {f"ltvkit/config/new_project/{n}" for n in tracked() if n.startswith(mine)}
    assert packed == kit | started


def find_python(version: str) -> list[str]:
    """A Python of this version, on the path or among those of pyenv; empty where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for name in (f"python{version}", *sorted(pyenv.glob(f"{version}.*/bin/python"))):
        code = "import sys; print(sys.executable)"
        found = subprocess.run(f"{name} -c '{code}'", shell=True, capture_output=True, text=True)
        if found.returncode == 0:
            return [found.stdout.strip()]
    return []


def installed() -> list[str]:
    """The Pythons of LTVKIT_PYTHONS that are there; else the one that runs the tests."""
    asked = os.environ.get("LTVKIT_PYTHONS", "").split()
    found = [path for version in asked for path in find_python(version)]
    assert found or not asked, f"none of Python {', '.join(asked)} is installed"
    return found or [sys.executable]


@pytest.fixture(scope="module", params=installed(), ids=lambda path: Path(path).resolve().name)
def kit(request, wheel, tmp_path_factory) -> tuple[str, dict[str, str]]:
    """A Python that has the wheel, and the environment to run it in."""
    home = tmp_path_factory.mktemp("installed")
    ours = ("LTVKIT_", "PYTHON", "VIRTUAL_ENV")
    bare = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    if "LTVKIT_PYTHONS" not in os.environ:
        zipfile.ZipFile(wheel).extractall(home)
        return sys.executable, bare | {"PYTHONPATH": str(home)}
    run(*UV, "venv", "-q", "--python", request.param, home / "venv")
    python = str(home / "venv" / "bin" / "python")
    install = [*UV, "pip", "install", "-q", "--python", python]
    run(*install, "--require-hashes", "-r", HOME / "requirements.lock")
    run(*install, "--no-deps", wheel)
    return python, bare


def test_a_project_from_the_wheel_works(kit, tmp_path):
    """`init`, then `inspect`, `report` and a kernel, as README has them."""
    python, environment = kit
    ltvkit = {"cwd": tmp_path, "env": environment}
    outside = subprocess.run(
        [python, "-m", "ltvkit", "report", "params/shop.yaml"], capture_output=True, **ltvkit
    )
    assert (outside.returncode, outside.stderr.count(b"\n")) == (2, 1)
    assert b"is no ltvkit project" in outside.stderr
    run(python, "-m", "ltvkit", "init", "myshop", **ltvkit)
    root = ltvkit["cwd"] = tmp_path / "myshop"
    rows = (f"{n % 40:05d},{n},2024-{1 + n % 6:02d}-{1 + n % 28:02d},{n}" for n in range(200))
    (root / "mine.csv").write_text("\n".join(["MemberID,OrderNo,Date,Amount", *rows]), "utf-8")
    assert "200 of 200 lines are used" in run(
        python, "-m", "ltvkit", "inspect", "mine.csv", **ltvkit
    )
    run(python, "-m", "ltvkit", "report", "params/mine.yaml", "--only", "rfm", **ltvkit)
    assert (root / "reports" / "mine" / "2024-05" / "01_rfm.html").is_file()
    where, total, *finished = run(python, "-c", EXPLORE, **ltvkit).split()
    assert (total, finished) == ("40", ["finished:", "01_rfm"])
    assert not Path(where).is_relative_to(HOME)
