"""What pyproject.toml cannot say: the wheel holds the notebooks and params of the repository.

`ltvkit init` makes a project from them (see ltvkit/config/project.py).
"""

import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PATTERNS = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["ltvkit"]["project"]


class BuildWithProject(build_py):
    """Also copies the files of a new project; an editable install finds them in the checkout."""

    def project_files(self) -> list[str]:
        return [str(path) for pattern in PATTERNS for path in sorted(Path().glob(pattern))]

    def run(self) -> None:
        super().run()
        for path in [] if self.editable_mode else self.project_files():
            target = Path(self.build_lib, "ltvkit", "config", "new_project", path)
            self.mkpath(str(target.parent))
            self.copy_file(path, str(target))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *self.project_files()]


setup(cmdclass={"build_py": BuildWithProject})
