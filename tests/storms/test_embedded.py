"""`serve` on SQLite, all in one process: killed in the middle of it and run out of disk, it goes on from its rows."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from tests.storms.conftest import SEED
from tests.storms.scene import Scene
from tests.storms.serving import Serving
from tests.storms.storm import Storm, say, storm

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400), pytest.mark.xdist_group("storms-embedded")]


@pytest.fixture
def begin(migrated_file, tmp_path) -> Callable[[Path], AbstractContextManager[Storm]]:
    """Begins a storm whose crew is one `serve`: `with begin(home) as storm`, its database in `home`."""

    @contextmanager
    def begin_in(home: Path) -> Iterator[Storm]:
        say(f"STORM_SEED={SEED}")
        database = shutil.copy(migrated_file, home)
        scene = Scene(subscribers=80, seed=SEED)
        with storm(tmp_path, scene, database=f"sqlite:///{database}", latency_ms=100) as found:
            found.crew = Serving(found.site, SEED)
            yield found

    return begin_in


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 32 MB; skipped where nobody may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small file system cannot be mounted here: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(path: Path) -> None:
    with path.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
            file.flush()


def test_killed_in_the_middle_of_sending_and_reading_it_resumes_from_its_rows(begin, tmp_path):
    with begin(tmp_path) as found:
        found.crew.start()
        for share in (0.1, 0.3, 0.6):
            found.await_sent(share)
            found.crew.kill_one()
        found.wait_for("a bounce in the log", lambda: found.balance().bounces_handled)
        found.crew.kill_one()
        found.calm()
        assert found.crew.kills == 4


def test_a_full_disk_stops_it_until_there_is_space_again(begin, small_disk):
    filler = small_disk / "filler"
    with begin(small_disk) as found:
        found.crew.start()
        found.await_sent(0.2)
        fill_up(filler)
        found.site.wait_for("the trouble in its log", lambda: "disk is full" in found.site.logs())
        stood_still_at = found.sent()
        time.sleep(2)
        assert found.sent() <= stood_still_at + 8, "nothing is sent whose outcome cannot be written down"
        filler.unlink()
        found.calm()
        assert found.crew.kills == 0, "it went on by itself"
