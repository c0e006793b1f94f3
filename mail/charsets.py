"""Bytes to text in whatever charset was declared, and whatever it really is (WHATWG Encoding, RFC 2045)."""

from __future__ import annotations

import base64
import binascii
import codecs

# Python knows codecs that are no charsets (zlib, punycode, unicode_escape): only these families are let in.
_FAMILIES = (
    "ascii", "iso8859", "iso2022", "utf", "cp", "koi8", "gb", "big5",
    "euc", "shift_jis", "mac", "hz", "johab", "tis", "ptcp", "kz",
)  # fmt: skip
# What is declared under these names is, in real mail, the wider set that contains it.
_WIDER = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
    "big5": "big5hkscs",
}
_ALIASES = {"x-sjis": "cp932", "windows-31j": "cp932", "windows-874": "cp874", "iso-8859-8-i": "iso8859-8"}
_WESTERN = frozenset({"cp1252", "cp1254", "iso8859-15"})
_DELETE_FROM_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


def decode_text(data: bytes, declared: str = "") -> str:
    """Text of `data`, never raising: the declared charset where it fits, else what the bytes look like.

    The text has no NUL and no lone surrogate, so that any database and any encoder takes it.
    """
    return clean_text(_decode(data, _codec(declared)))


def clean_text(text: str) -> str:
    """`text` without NUL characters and lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")


def decode_base64(data: bytes) -> bytes:
    """Bytes of base64 text, however broken: foreign characters are skipped, missing padding is added."""
    data = data.translate(None, _DELETE_FROM_BASE64)
    data = data[:-1] if len(data) % 4 == 1 else data
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def decode_quoted_printable(data: bytes, *, header: bool = False) -> bytes:
    """Bytes of quoted-printable text; with `header` in the Q form of RFC 2047."""
    return binascii.a2b_qp(data, header=header)


def _decode(data: bytes, codec: str | None) -> str:
    if codec in _WESTERN or codec in (None, "utf-8"):
        # Valid UTF-8 beyond ASCII is practically never anything else, whatever the label says.
        candidates = [*_escaped(data), "utf-8", codec or "cp1252"]
    else:
        candidates = [str(codec), "utf-8"]
    for candidate in candidates:
        try:
            return data.decode(candidate)
        except UnicodeError:
            continue
    return data.decode("cp1252" if codec is None or codec == "utf-8" else codec, "replace")


def _escaped(data: bytes) -> list[str]:
    """Japanese mail of the old kind announces itself by its escape sequences."""
    return ["iso2022_jp_ext"] if b"\x1b$" in data or b"\x1b(" in data else []


def _codec(declared: str) -> str | None:
    name = declared.strip(" \"'").partition("*")[0].lower()
    try:
        codec = codecs.lookup(_ALIASES.get(name, name)).name
    except (LookupError, ValueError):
        return None
    codec = _WIDER.get(codec, codec)
    return codec if codec.startswith(_FAMILIES) else None
