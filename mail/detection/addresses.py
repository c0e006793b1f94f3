"""Finds mail addresses in header values, report fields and free text."""

from __future__ import annotations

import re2

MAX_ADDRESS = 320  # RFC 5321: 64 + 1 + 255
CONTROLS = "".join(map(chr, (*range(33), *range(127, 161))))
BEFORE = CONTROLS + "<>\"'(),;:[]=|\u00a0\u3000（）「」『』：，。、＜＞«»“”‘’"
AFTER = CONTROLS + "<>\"'(),;[]|\\?&\u00a0\u3000（）「」『』：，。、＜＞«»“”‘’{}*"
DOMAIN_MARKS = str.maketrans("", "", ".-_")
UNICODE_ESCAPE = re2.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


def find_address(text: str, start: int = 0) -> tuple[str, int, int] | None:
    """The first address at or after `start` with its begin and end; None where there is none."""
    at = text.find("@", start)
    while at >= 0:
        begin, end = local_start(text, at, start), domain_end(text, at)
        domain = text[at + 1 : end].rstrip(".-_:!/")
        if begin < at and is_domain(domain) and text[begin:at].isprintable():
            return text[begin : at + 1] + domain, begin, at + 1 + len(domain)
        at = text.find("@", at + 1)
    return None


def local_start(text: str, at: int, start: int) -> int:
    """Where the local part before the "@" at `at` begins."""
    floor = max(start, at - 130)
    if at > floor and text[at - 1] == '"':
        quote = text.rfind('"', floor, at - 1)
        return quote if quote >= 0 and "\n" not in text[quote:at] else at
    begin = at
    while begin > floor and text[begin - 1] not in BEFORE and text[begin - 1] != "@":
        begin -= 1
    return begin


def domain_end(text: str, at: int) -> int:
    """Where the domain after the "@" at `at` ends."""
    end, ceiling = at + 1, min(len(text), at + 256)
    while end < ceiling and text[end] not in AFTER and text[end] not in "@:":
        end += 1
    return end


def is_domain(domain: str) -> bool:
    """Whether `domain` could be one: a name with letters, digits, dots and hyphens."""
    return domain[:1] not in ("", ".") and domain.translate(DOMAIN_MARKS).isalnum()


def addresses_in(text: str, limit: int = 50) -> list[str]:
    """All addresses in `text`, in order, each once, at most `limit`."""
    found: list[str] = []
    place = find_address(text)
    while place is not None and len(found) < limit:
        if place[0] not in found:
            found.append(place[0])
        place = find_address(text, place[2])
    return found


def first_address(value: str) -> str:
    """The address of a header value such as `Alice <alice@example.com>`; "" where there is none."""
    open_at = value.rfind("<")
    place = (find_address(value, open_at) if open_at >= 0 else None) or find_address(value)
    return place[0] if place else ""


def field_address(value: str) -> str:
    """The address of a Final-Recipient or Original-Recipient field (RFC 3464, RFC 6533)."""
    kind, semicolon, rest = value.partition(";")
    if not semicolon or "@" in kind:
        kind, rest = "", value
    rest = rest.strip().removeprefix("mailto:").strip("<> \t")
    if "\\x{" in rest:
        rest = UNICODE_ESCAPE.sub(lambda match: chr(min(int(match.group(1), 16), 0x10FFFF)), rest)
    if rest.startswith(('"', "=?")) or " " not in rest:
        local, at, domain = rest.rpartition("@")
        is_address = local and at and is_domain(domain.rstrip(".")) and rest.isprintable()
        return rest[:MAX_ADDRESS] if is_address else ""
    place = find_address(rest)
    # "|/usr/bin/program arg@host" names a program, not a mailbox.
    return place[0] if place and not rest.startswith(("|", "/")) else ""
