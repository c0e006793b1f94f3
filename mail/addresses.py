"""Email addresses: what is valid (RFC 5321, RFC 6531) and when two of them are the same."""

from __future__ import annotations

import re
import unicodedata

import idna

MAX_ADDRESS_OCTETS = 254
MAX_LOCAL_OCTETS = 64
MAX_DOMAIN_OCTETS = 253

_ATOM = r"[\w!#$%&'*+/=?^`{|}~\-\u0080-\U0010FFFF]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+"')
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?")


class AddressError(ValueError):
    """A text that is no address mail can be sent to; the message says why."""


def normalize_address(address: str) -> str:
    """The key by which addresses compare (`email_key`). Never raises; two spellings of one mailbox agree.

    Letter case is ignored in both halves, as mail hosts do; the domain is written in its ASCII form.
    """
    address = address.strip().removeprefix("<").removesuffix(">")
    local, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    if not at:
        return _fold(domain)
    return f"{_fold(local)}@{_ascii_domain(domain)}"


def parse_address(text: str) -> str:
    """The address in `text`, trimmed, its domain in lower case. AddressError where it is not valid."""
    address = unicodedata.normalize("NFC", text.strip())
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1].strip()
    local, at, domain = address.rpartition("@")
    if not at:
        raise AddressError(f"“{_shown(address)}” is no email address: it has no @.")
    domain = domain.rstrip(".").lower()
    _check_local(local, address)
    _check_domain(domain, address)
    # SMTP counts the domain in its ASCII form, which is the longer one.
    if len(local.encode()) + 1 + len(_ascii_domain(domain)) > MAX_ADDRESS_OCTETS:
        raise AddressError(f"“{_shown(address)}” is too long: at most {MAX_ADDRESS_OCTETS} octets.")
    return f"{local}@{domain}"


def is_valid_address(text: str) -> bool:
    """Whether mail can be addressed to `text`."""
    try:
        parse_address(text)
    except AddressError:
        return False
    return True


def domain_of(address: str) -> str:
    """The domain of an address as it compares: lower case, ASCII form, no trailing dot; "" without an @."""
    _, at, domain = address.strip().removesuffix(">").rpartition("@")
    return _ascii_domain(domain) if at else ""


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def _ascii_domain(domain: str) -> str:
    domain = domain.strip().rstrip(".")
    # idna takes time that grows with the square of the length; no domain is longer than this.
    if domain.isascii() or len(domain) > MAX_DOMAIN_OCTETS:
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return _fold(domain)


def _check_local(local: str, address: str) -> None:
    if not local:
        raise AddressError(f"“{_shown(address)}” is no email address: nothing stands before the @.")
    if len(local.encode("utf-8", "replace")) > MAX_LOCAL_OCTETS:
        raise AddressError(
            f"“{_shown(address)}”: the part before the @ is too long, at most {MAX_LOCAL_OCTETS} octets."
        )
    if any(unicodedata.category(character)[0] in "CZ" for character in local if character != " "):
        raise AddressError(f"“{_shown(address)}” holds a blank or an invisible character before the @.")
    if not (_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local)):
        raise AddressError(
            f"“{_shown(address)}” has a character or a dot before the @ that may not stand there."
        )


def _check_domain(domain: str, address: str) -> None:
    labels = _ascii_domain(domain).split(".")
    if len(labels) < 2:
        raise AddressError(
            f"“{_shown(address)}” is no email address: its domain “{_shown(domain)}” has no dot."
        )
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressError(f"“{_shown(address)}” has no valid domain: “{_shown(domain)}”.")


def _shown(text: str) -> str:
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:80]
    )
    return f"{printable}…" if len(text) > 80 else printable
