"""Links of a message: found, and rewritten to tracked ones without touching anything else of the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from html import escape, unescape

MAX_LINKS = 1_000
MAX_URL_LENGTH = 8_000

MakeUrl = Callable[[str], str]

# No "<" outside quotes: that keeps the search linear and gives up early on what is no tag. Outlook's buttons
# (v:roundrect inside conditional comments) are links too.
_LINK_TAG = re.compile(
    r"""<(?:a|area|v:[a-z]+)(?=[\s/])(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>""",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""([^\s=/>"'<]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>"']++))?""")
_TEXT_URL = re.compile(rf"""https?://[^\s<>"\x00-\x20\u200b]{{1,{MAX_URL_LENGTH}}}""", re.IGNORECASE)
_CLOSERS = {")": "(", "]": "[", "}": "{"}


def rewrite(html: str, make_url: MakeUrl, *, skip: Collection[str] = ()) -> str:
    """`html` with each http(s) link replaced by `make_url(link)`; every other character stays as it was.

    Left alone: mailto and other schemes, anchors, tags such as [UNSUBSCRIBE_URL], and what `skip` holds.
    """
    return _LINK_TAG.sub(lambda tag: _rewrite_tag(tag[0], make_url, skip), html)


def rewrite_text(text: str, make_url: MakeUrl, *, skip: Collection[str] = ()) -> str:
    """Plain `text` with each http(s) link replaced by `make_url(link)`; the punctuation behind it stays."""

    def replace(match: re.Match[str]) -> str:
        url = _trim(match[0])
        return (url if url in skip else make_url(url)) + match[0][len(url) :]

    return _TEXT_URL.sub(replace, text)


def find_links(html: str) -> list[str]:
    """The http(s) links of `html` in order, each once, at most MAX_LINKS."""
    found: dict[str, None] = {}
    for tag in _LINK_TAG.finditer(html):
        for attribute in _ATTRIBUTE.finditer(tag[0], 1):
            _add(found, _target(attribute))
        if len(found) >= MAX_LINKS:
            break
    return list(found)


def find_text_links(text: str) -> list[str]:
    """The http(s) links of plain `text` in order, each once, at most MAX_LINKS."""
    found: dict[str, None] = {}
    for match in _TEXT_URL.finditer(text):
        _add(found, _trim(match[0]))
        if len(found) >= MAX_LINKS:
            break
    return list(found)


def _add(found: dict[str, None], url: str) -> None:
    if url:
        found[url] = None


def _rewrite_tag(tag: str, make_url: MakeUrl, skip: Collection[str]) -> str:
    def replace(attribute: re.Match[str]) -> str:
        url = _target(attribute)
        if not url or url in skip:
            return attribute[0]
        tracked = make_url(url)
        return attribute[0] if tracked == url else f'{attribute[1]}="{escape(tracked)}"'

    return tag[0] + _ATTRIBUTE.sub(replace, tag[1:])


def _target(attribute: re.Match[str]) -> str:
    """The http(s) address an attribute points at, or "" if it is not a link's."""
    if attribute[1].lower() != "href" or not attribute[2] or len(attribute[2]) > MAX_URL_LENGTH:
        return ""
    try:
        url = unescape(attribute[2].strip("\"'")).strip()
    except ValueError:
        return ""  # a character number with more digits than Python converts
    return url if url.lower().startswith(("http://", "https://")) else ""


def _trim(url: str) -> str:
    """A URL in running text without the punctuation that belongs to the sentence."""
    while url:
        opener = _CLOSERS.get(url[-1])
        if url[-1] in ".,;:!?'*_" or (opener and url.count(opener) < url.count(url[-1])):
            url = url[:-1]
        else:
            break
    return url
