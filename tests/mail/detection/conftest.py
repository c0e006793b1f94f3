"""Samples written for these tests: several mails in one file, each after a line that says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Expected:
    """One failed recipient as a sample's line gives it; "-" is absent."""

    kind: str  # hard, soft, internal, complaint, delay (soft), fault (internal, the sender's)
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
        kind, None if recipient == "-" else recipient, status.strip("-"), message_id if message_id != "-" else ""
    )


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    return read_samples()
