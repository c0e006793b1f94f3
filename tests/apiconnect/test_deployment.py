"""What an operator is given: `check --deploy` is clean, every variable is described, the files say what they do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet

ROOT = Path(__file__).parents[2]
READ = re.compile(r"""env\.(?:str|bool|int|float|list|db|path|url)\(\s*"([A-Z_]+)\"""")
VARIABLES = sorted(set(READ.findall((ROOT / "apiconnect/settings.py").read_text())))
PRODUCTION = {
    "PATH": os.environ["PATH"],
    "ENV_FILE": os.devnull,
    "DEBUG": "false",
    "SECRET_KEY": "x7Q~long-and-random-enough-for-a-test-of-settings-2f9c1b3e8d7a",
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "SITE_URL": "https://mail.example.com",
    "ALLOWED_HOSTS": "mail.example.com",
    "DATABASE_URL": "postgres://apiconnect:secret@127.0.0.1:5432/apiconnect",
    "CELERY_BROKER_URL": "redis://127.0.0.1:6379/0",
}


def test_the_deployment_check_is_clean():
    result = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT, env=PRODUCTION, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_the_deployment_check_would_notice_something():
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT, env={**PRODUCTION, "SITE_URL": "http://mail.example.com"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode != 0


@pytest.mark.parametrize("page", [".env.example", "docs/deployment.md"])
def test_every_variable_that_is_read_is_described(page):
    text = (ROOT / page).read_text()
    assert len(VARIABLES) > 15
    assert [name for name in VARIABLES if not re.search(rf"\b{name}\b", text)] == []


def test_nothing_is_described_that_is_not_read():
    named = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    of_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert named <= {*VARIABLES, *of_compose}


def test_every_variable_of_compose_is_described():
    of_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert [name for name in sorted(of_compose) if name not in (ROOT / ".env.example").read_text()] == []


COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_compose_gives_every_variable_that_has_no_default_of_its_own_to_every_process():
    """Web, workers and beat share one environment: a setting that only one of them had would make two products."""
    ours = {
        name: one
        for name, one in COMPOSE["services"].items()
        if "CELERY_BROKER_URL" in one.get("environment", {})
    }
    assert {"migrate", "web", "worker", "beat"} <= set(ours)
    assert len({str(sorted(one["environment"].items())) for one in ours.values()}) == 1


def test_every_setting_of_the_file_reaches_every_process_of_compose():
    for name in ("migrate", "web", "worker", "beat"):
        assert COMPOSE["services"][name]["env_file"] == ".env", name


def test_compose_gives_no_process_of_ours_a_right_or_a_place_to_write():
    for name in ("migrate", "web", "worker", "beat"):
        service = COMPOSE["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_migrations_wait_for_the_server_that_stays():
    """While it makes the database the image runs another one, which hears its socket alone."""
    assert "-h 127.0.0.1" in COMPOSE["services"]["postgres"]["healthcheck"]["test"][1]
    assert COMPOSE["services"]["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_a_new_version_in_another_directory_finds_its_database():
    assert COMPOSE["name"] == "apiconnect"


def test_compose_scales_workers_by_a_flag_and_knows_who_is_well():
    services = COMPOSE["services"]
    for name, one in services.items():
        assert "container_name" not in one, name
        if name != "web":
            assert "ports" not in one, name
    for name in ("web", "worker", "postgres", "redis"):
        assert "healthcheck" in services[name], name


def test_the_workers_of_compose_hear_every_queue():
    heard = set()
    for one in COMPOSE["services"].values():
        if match := re.search(r"--queues \$\{WORKER_QUEUES:-(\S+)\}", str(one.get("command", ""))):
            heard.update(match[1].split(","))
    assert heard == {"sending", "reading", "housekeeping"}


SYSTEMD = ROOT / "deploy/systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))


def test_systemd_takes_the_units(tmp_path):
    """With this checkout in place of /srv/apiconnect, so that what they start is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    python, copies = Path(sys.executable).parent, []
    for unit in UNITS:
        text = (
            unit.read_text()
            .replace("/srv/apiconnect/.venv/bin", str(python))
            .replace("/srv/apiconnect", str(ROOT))
        )
        copies.append(tmp_path / unit.name.replace("@", "@1"))
        copies[-1].write_text(text.replace("User=apiconnect\n", ""))
    shutil.copy(SYSTEMD / "apiconnect-web.socket", tmp_path)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, copies)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = [line for line in result.stderr.splitlines() if any(unit.name in line for unit in copies)]
    assert said == []


def test_the_units_are_not_exposed(tmp_path):
    """By systemd's own measure, 0 to 100: what it calls OK ends at 50; without the drop-in it says 85."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    shutil.copytree(SYSTEMD, tmp_path, dirs_exist_ok=True)
    for unit in UNITS:
        command = [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            "--threshold=30",
            tmp_path / unit.name,
        ]
        environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, env=environment
        )
        assert result.returncode == 0, result.stdout[-200:] + result.stderr


def test_the_units_need_no_directory_that_a_new_checkout_has_not():
    for unit in UNITS:
        for path in re.findall(r"^ReadWritePaths=(\S+)", unit.read_text(), re.MULTILINE):
            assert path == "/srv/apiconnect", unit.name


def test_the_units_start_what_the_page_and_compose_start():
    page = (ROOT / "docs/deployment.md").read_text()
    assert len(UNITS) == 4
    for unit in UNITS:
        assert unit.stem.rstrip("@") in page
    started = re.search(
        r"ExecStart=\S+/celery (.*) --hostname",
        (ROOT / "deploy/systemd/apiconnect-worker@.service").read_text(),
    )
    assert started
    assert started[1] in page


def test_the_image_runs_as_nobody_in_particular():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    users = [line for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] != "USER root"
    assert not any(re.match(r"(ENV|ARG)\b.*(SECRET|KEY|PASSWORD)", line) for line in lines)


def test_the_image_holds_the_product_and_nothing_else():
    """Everything is left out but what is named, and each room of the product is."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    taken = {line[1:] for line in lines if line.startswith("!")}
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench", "scripts"}
    assert taken == rooms | {"manage.py", "pyproject.toml", "requirements/run.txt", "static", "templates"}
