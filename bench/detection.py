"""Measures bounce detection: speed beside installed peers, the share of parsing, and a fuzz run.

    python -m bench.detection [FOLDER]             messages per second, as ratios in one run
    python -m bench.detection --fuzz SECONDS       mutated samples; any exception or slow answer is printed

FOLDER holds .eml files; without it ../shared/corpus is taken, or else the test samples.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import importlib.util
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mail.detection.detecting import find_bounces
from mail.detection.mime import open_message

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
SAMPLES = ROOT / "tests" / "mail" / "detection" / "samples"
SLOW_SECONDS = 1.0
ROUNDS = 7
# Sisimai reads each file itself, so it is timed by its own processor time, after a first pass.
SISIMAI = """
use strict; use warnings; use Sisimai;
sub now { my @spent = times; return $spent[0] + $spent[1]; }
my @paths = <STDIN>; chomp @paths;
sub pass { for my $path (@paths) { my $found = eval { Sisimai->make($path) }; } }
pass(); my @rates;
for (1..%d) { my $began = now(); pass() for 1..3; push @rates, 3 * @paths / (now() - $began); }
print join(' ', @rates), "\\n";
"""


def read_mails(folder: Path) -> dict[Path, bytes]:
    """The .eml files of a folder."""
    return {path: path.read_bytes() for path in sorted(folder.glob("*.eml"))}


def sample_mails() -> list[bytes]:
    """The mails of the test samples."""
    return [
        piece.partition("\n")[2].encode()
        for path in sorted(SAMPLES.glob("*.txt"))
        for piece in path.read_text(encoding="utf-8").split("=== ")[1:]
    ]


def rate(work: Callable[[bytes], object], mails: list[bytes]) -> float:
    """The median number of mails a second of processor time over several passes, after a first one."""
    rates = []
    for number in range(ROUNDS + 1):
        started = time.process_time()
        for raw in mails:
            work(raw)
        if number:
            rates.append(len(mails) / (time.process_time() - started))
    return statistics.median(rates)


def flufl_rate(mails: list[bytes]) -> float | None:
    """Mailman's detector with the standard library's parser it needs; None where it is absent."""
    if importlib.util.find_spec("flufl.bounce") is None:
        return None
    scan = importlib.import_module("flufl.bounce").scan_message

    def work(raw: bytes) -> object:
        return scan(email.message_from_bytes(raw))

    return rate(work, mails)


def sisimai_rate(paths: list[Path]) -> float | None:
    """Debian's libsisimai-perl; None where it is absent."""
    perl = shutil.which("perl")
    if perl is None or not paths:
        return None
    done = subprocess.run(
        [perl, "-e", SISIMAI % ROUNDS],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        check=False,
    )
    rates = [float(word) for word in done.stdout.split()]
    return statistics.median(rates) if rates else None


def compare(mails: dict[Path, bytes]) -> None:
    """Prints the messages per second of everything installed, and the ratios."""
    raws = list(mails.values())

    def from_file(path: bytes) -> object:
        return find_bounces(Path(path.decode()).read_bytes())

    ours = rate(from_file, [str(path).encode() for path in mails])
    detect_only = rate(find_bounces, raws)
    opening = rate(open_message, raws)
    stdlib = rate(lambda raw: email.message_from_bytes(raw, policy=email.policy.compat32), raws)
    print(
        f"{len(raws)} mails, {sum(map(len, raws)) / len(raws):,.0f} bytes on average, one process, processor time"
    )
    rows = [
        ("mail.detection, reading files", ours),
        ("mail.detection, in memory", detect_only),
        ("  of which opening the mail", opening),
        ("standard library's parser alone", stdlib),
        ("flufl.bounce", flufl_rate(raws)),
        ("Sisimai (Perl), reading files", sisimai_rate(list(mails))),
    ]
    for name, value in rows:
        told = f"{value:8,.0f} mails/s   {ours / value:5.2f} x" if value else "not installed"
        print(f"{name:34s}{told}")
    print(f"parsing takes {detect_only / opening:.0%} of detection; the standard library's parser: none")


def mutate(raw: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """`raw` with a few random cuts, repeats, swaps and foreign pieces."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randrange(1, 400))
        other = chance.choice(others)
        start = chance.randrange(len(other) + 1)
        piece = chance.choice(
            [
                b"",
                bytes(data[at:end]) * chance.randint(2, 50),
                other[start : start + chance.randrange(400)],
                chance.randbytes(chance.randrange(1, 40)),
                chance.choice([b"\r", b"\0", b"\n\n", b"--", b"@", b"=?utf-8?B?", b"\x1b$B", b"<", b'"'])
                * 20,
            ]
        )
        data[at:end] = piece
    return bytes(data[:200_000])


def fuzz(seconds: float, mails: list[bytes], seed: int) -> int:
    """Feeds mutated mails for a time; the number of failures, each printed with what brings it back."""
    chance = random.Random(seed)
    ends_at, tried, failures, slowest = time.monotonic() + seconds, 0, 0, 0.0
    while time.monotonic() < ends_at:
        raw = mutate(chance.choice(mails), mails, chance)
        started = time.process_time()
        try:
            find_bounces(raw)
        except Exception as error:
            failures += 1
            print(f"seed {seed}, input {tried}: {error!r}\n{raw[:500]!r}")
        taken = time.process_time() - started
        slowest = max(slowest, taken)
        if taken > SLOW_SECONDS:
            failures += 1
            print(f"seed {seed}, input {tried}: {taken:.2f} s for {len(raw)} bytes")
        tried += 1
    print(f"{tried:,} inputs, {failures} failures, slowest {slowest * 1000:.0f} ms")
    return failures


def main() -> int:
    """Runs the command line; the exit status is 1 where the fuzz run found a failure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS)
    parser.add_argument("--fuzz", type=float, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    mails = read_mails(options.folder) if options.folder.is_dir() else {}
    if options.fuzz:
        return int(fuzz(options.fuzz, [*mails.values(), *sample_mails()], options.seed) > 0)
    if mails:
        compare(mails)
        return 0
    print(f"{options.folder}: no .eml files; give a folder that holds some")
    return 1


if __name__ == "__main__":
    sys.exit(main())
