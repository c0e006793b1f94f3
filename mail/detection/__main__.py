"""Classifies mail files: `python -m mail.detection FILE…`, or `--jsonl` with paths on stdin."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

from mail.detection.detecting import detect
from mail.detection.verdicts import Bounce

MAX_FILE_BYTES = 64 * 1024 * 1024

encode = json.JSONEncoder(ensure_ascii=False).encode


def classify_file(path: str) -> list[Bounce]:
    """The bounces of the mail in one file; OSError where it cannot be read."""
    with open(path, "rb") as file:
        return detect(file.read(MAX_FILE_BYTES))


def to_json(path: str, bounces: Iterable[Bounce]) -> str:
    """One line of JSON about the mail at `path`."""
    rows = [
        {
            "recipient": bounce.recipient,
            "status": bounce.status,
            "category": bounce.type.value,
            "message_id": bounce.message_id,
            "rule": bounce.rule,
        }
        for bounce in bounces
    ]
    return encode({"path": path, "bounces": rows})


def classify_lines(paths: Iterable[str]) -> Iterator[str]:
    """One JSON line per path, in order; a file that cannot be read gets an "error" instead."""
    for line in paths:
        path = line.rstrip("\r\n")
        try:
            yield to_json(path, classify_file(path))
        except OSError as error:
            yield encode({"path": path, "bounces": [], "error": error.strerror or str(error)})


def describe(path: str, bounces: list[Bounce]) -> Iterator[str]:
    """The lines that tell a person what was found in the mail at `path`."""
    if not bounces:
        yield f"{path}: not a bounce"
    for bounce in bounces:
        kind = f"{bounce.type.value} (delay)" if bounce.is_delay else bounce.type.value
        yield f"{path}: {kind}  {bounce.recipient or 'recipient unknown'}  {bounce.status or '-'}"
        yield f"    rule {bounce.rule}: {bounce.evidence}"
        if bounce.diagnostic:
            yield f"    {bounce.diagnostic[:300]}"


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit status is 1 where a file could not be read."""
    write = sys.stdout.write
    if "--jsonl" in arguments:
        for line in classify_lines(iter(sys.stdin.readline, "")):
            write(line + "\n")
            sys.stdout.flush()
        return 0
    failed = False
    for path in arguments:
        try:
            for line in describe(path, classify_file(path)):
                write(line + "\n")
        except OSError as error:
            failed = True
            sys.stderr.write(f"{path}: {error.strerror or error}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
