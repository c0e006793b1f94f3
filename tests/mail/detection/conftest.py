"""Samples written for these tests: several mails in one file, each after a line that says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Expected:
    """One failed recipient as a sample's line gives it; "" where the line has "-"."""

    kind: str  # hard, soft, internal, complaint, delay (soft), fault (internal, the sender's own)
    recipient: str | None
    status: str
    message_id: str


@dataclass(frozen=True)
class Sample:
    name: str
    raw: bytes
    expected: tuple[Expected, ...]


def read_samples(folder: Path = SAMPLES) -> list[Sample]:
    """Every sample of every .txt file in `folder`."""
    return [sample for path in sorted(folder.glob("*.txt")) for sample in split_samples(path)]


def split_samples(path: Path) -> list[Sample]:
    samples = []
    for piece in path.read_text(encoding="utf-8").split("=== ")[1:]:
        title, _, body = piece.partition("\n")
        name, _, wanted = title.partition(" | ")
        rows = () if wanted.strip() == "none" else tuple(read_expected(row) for row in wanted.split(";"))
        samples.append(Sample(f"{path.stem}/{name}", body.encode(), rows))
    return samples


def read_expected(row: str) -> Expected:
    kind, recipient, status, message_id = row.split()
    return Expected(
        kind,
        None if recipient == "-" else recipient,
        "" if status == "-" else status,
        "" if message_id == "-" else message_id,
    )


def read_replies() -> list[tuple[str, str]]:
    """The rows of every .tsv file of samples: the kinds that are right, and the reply."""
    lines = [
        line
        for path in sorted(SAMPLES.glob("*.tsv"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [(kind, text) for kind, text in (line.split("\t") for line in lines if line and line[0] != "#")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", read_samples(), ids=lambda sample: sample.name)
    if "reply" in metafunc.fixturenames:
        metafunc.parametrize("reply", read_replies(), ids=lambda reply: reply[1][:60])


@pytest.fixture(scope="session")
def samples() -> dict[str, Sample]:
    return {sample.name: sample for sample in read_samples()}
