"""The house: every app has its place, files stay small, tasks stay thin, nothing speaks of where it was built."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
LAYERS = [room.strip() for layer in CONTRACTS["house"]["layers"] for room in layer.split("|")]
NOT_ROOMS = {"tests", "docs", "bench", "scripts", "templates", "static", "requirements", "var", "staticfiles"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def tracked(suffix: str = ".py") -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", f"*{suffix}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = listed.stdout.split() or [str(path.relative_to(ROOT)) for path in ROOT.rglob(f"*{suffix}")]
    return [ROOT / name for name in names if (ROOT / name).exists()]


def product_files() -> list[Path]:
    return [
        path
        for path in tracked()
        if path.relative_to(ROOT).parts[0] in LAYERS and "migrations" not in path.parts
    ]


def test_every_room_is_placed_in_the_layers():
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_ROOMS
    assert rooms == set(LAYERS)
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == set(LAYERS)


def test_every_app_of_ours_is_installed():
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert apps <= set(settings.INSTALLED_APPS)
    assert apps <= set(LAYERS)


@pytest.mark.parametrize("name", ["utils", "helpers", "services", "misc", "common"])
def test_no_file_is_an_attic(name):
    assert not [path for path in product_files() if path.stem == name]


def test_no_file_is_too_long():
    long = {
        str(path.relative_to(ROOT)): n
        for path in product_files()
        if (n := len(path.read_text().splitlines())) > MAX_FILE_LINES
    }
    assert long == {}


def test_no_function_is_too_long():
    long = []
    for path in product_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.FunctionDef)
                and (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
            ):
                long.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert long == []


def test_every_module_says_what_it_is():
    silent = [
        str(path.relative_to(ROOT))
        for path in product_files()
        if path.read_text().strip()
        and path.name not in {"__init__.py", "apps.py"}
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/tasks.py")), ids=lambda path: path.parent.name)
def test_a_task_loads_and_makes_one_call(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            assert len(node.body) <= 2, node.name
            assert not node.args.args, f"{node.name}: keyword-only numbers"


def test_providers_are_told_apart_in_the_providers_room_alone():
    told = [
        str(path.relative_to(ROOT))
        for path in product_files()
        if path.relative_to(ROOT).parts[0] not in {"providers", "sandbox"}
        and any(f'== "{name}"' in path.read_text() for name in ("google", "microsoft"))
    ]
    assert told == []


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"}
    assert [name for name in sorted(commands) if name not in readme] == []


def test_links_between_the_documents_lead_somewhere():
    dead = [
        f"{path.relative_to(ROOT)} → {target}"
        for path in tracked(".md")
        for target in re.findall(r"\]\(([^)#]+)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert dead == []
