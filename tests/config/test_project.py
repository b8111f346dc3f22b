"""`ltvkit init` makes a project that works, and overwrites nothing."""

from __future__ import annotations

import subprocess

import pytest
from click.testing import CliRunner
from stub_project import HOME, files

from ltvkit.cli.main import main
from ltvkit.config import notebooks, params, project
from ltvkit.core import paths
from ltvkit.errors import ProjectError


def tracked(*names: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", *names], cwd=HOME, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.splitlines())


def test_a_new_project_has_the_notebooks_and_params_of_the_kit(tmp_path, monkeypatch):
    project.create(tmp_path / "deep" / "myshop")
    root = tmp_path / "deep" / "myshop"
    made, kit = files(root), tracked("notebooks/*.ipynb", "params")
    kit -= {name for name in kit if name.startswith("notebooks/ja/")}
    assert set(made) == kit | {"README.md", ".gitignore"}
    for name in made.keys() - {"README.md", ".gitignore"}:
        assert made[name] == (HOME / name).read_bytes(), name
    monkeypatch.setenv("LTVKIT_ROOT", str(root))
    assert len(notebooks.find_notebooks()) == len([*(HOME / "notebooks").glob("*.ipynb")])
    for path in (root / "params").glob("*.yaml"):
        assert params.load(path).shop == path.stem


def test_a_project_in_a_language_has_its_notebooks_and_params_in_it(tmp_path, monkeypatch):
    project.create(tmp_path / "myshop", language="ja")
    root = tmp_path / "myshop"
    made, kit = files(root), tracked("notebooks/*.ipynb", "params")
    assert set(made) == kit | {"README.md", ".gitignore"}
    assert "notebooks/ja/lessons/01_orders.ipynb" in made
    assert "顧客生涯価値" in made["README.md"].decode()
    monkeypatch.setenv("LTVKIT_ROOT", str(root))
    for path in (root / "params").glob("*.yaml"):
        assert params.load(path).language == "ja"
        before = (HOME / "params" / path.name).read_text("utf-8")
        assert path.read_text("utf-8").replace("language: ja", 'language: ""', 1) == before


def test_init_speaks_the_language_of_its_project(tmp_path, monkeypatch):
    done = CliRunner().invoke(main, ["init", str(tmp_path / "a"), "--language", "ja"])
    assert done.exit_code == 0
    assert "自社の注文データ" in done.output
    assert "jupyter lab notebooks/ja" in done.output
    monkeypatch.setenv("LTVKIT_LANG", "ja")
    assert "自社の注文データ" in CliRunner().invoke(main, ["init", str(tmp_path / "b")]).output
    assert (tmp_path / "b" / "notebooks" / "ja").exists()
    done = CliRunner().invoke(main, ["init", str(tmp_path / "c"), "--language", "xx"])
    assert done.exit_code == 2
    assert "'en', 'ja'" in done.output


def test_nothing_is_overwritten(tmp_path):
    for name in ("README.md", ".gitignore", "mine.csv"):
        (tmp_path / name).write_text("mine", "utf-8")
    assert project.create(tmp_path) == ["notebooks/", "params/"]
    (tmp_path / "params" / "cdnow.yaml").write_text("mine", "utf-8")
    before = files(tmp_path)
    with pytest.raises(ProjectError, match=r"has notebooks/ and params/ already.*overwritten"):
        project.create(tmp_path)
    assert files(tmp_path) == before


def test_a_folder_that_has_params_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "params").mkdir()
    with pytest.raises(ProjectError, match="has params/ already"):
        project.create(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name != "params"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "myshop").write_text("mine", "utf-8")
    for folder in (tmp_path / "myshop", tmp_path / "myshop" / "below" / "it"):
        with pytest.raises(ProjectError, match="myshop is a file"):
            project.create(folder)
    with pytest.raises(ProjectError, match="myshop is a file"):
        project.create(tmp_path / "myshop")


def test_an_installation_without_its_files_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "starter", lambda: tmp_path / "gone")
    with pytest.raises(ProjectError, match="install it anew"):
        list(project._files("params"))


def test_the_command_says_what_comes_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["init", "myshop"])
    assert result.exit_code == 0
    assert "cd myshop" in result.output
    assert "python -m ltvkit inspect mine.csv" in result.output
    result = CliRunner().invoke(main, ["init", "myshop"])
    assert (result.exit_code, result.output[:7]) == (2, "Error: ")


def test_the_next_command_can_be_copied_where_the_folder_has_a_space(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["init", "my shop/店"])
    assert "cd 'my shop/店'\n" in result.output
