"""Subscriber tags in a campaign: `[FNAME]`, or `[FNAME|there]` with a default for who has no first name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from html import escape

# Tags that every campaign fills, beside the fields of its list's subscribers.
STANDARD_TAGS: Mapping[str, str] = {
    "EMAIL": "the subscriber's address",
    "SUBSCRIBER_UID": "the subscriber's uid",
    "LIST_NAME": "the name of the mailing list",
    "CAMPAIGN_NAME": "the name of the campaign",
    "DS_FROM_NAME": "the delivery server's From Name, else the mailbox's own name",
    "UNSUBSCRIBE_URL": "the subscriber's own unsubscribe address",
}

_TAG = re.compile(r"\[([A-Z][A-Z0-9_]{0,63})(?:\|([^\[\]\r\n]{0,200}))?\]")
# What was meant as a tag but is none: blanks inside, or a default behind the wrong sign.
_NEAR_TAG = re.compile(r"\[([ \t]{0,8}[A-Z][A-Z0-9_]{1,63}[ \t]{0,8}(?:[|:,;][^\[\]\r\n]{0,200})?)\]")


@dataclass(frozen=True, slots=True)
class Template:
    """A text whose tags were found once, to be rendered for many subscribers."""

    # Literal texts, and between each two of them a tag's name and default.
    literals: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Never raises: what is no tag is text."""
        literals, tags, position = [], [], 0
        for match in _TAG.finditer(text):
            literals.append(text[position : match.start()])
            tags.append((match[1], match[2] or ""))
            position = match.end()
        return cls((*literals, text[position:]), tuple(tags))

    def render(self, values: Mapping[str, str], *, html: bool) -> str:
        """The text for one subscriber. A value that is missing or blank gives the default, else nothing.

        With `html` values are escaped; defaults are the author's own words and go in as written. Tags inside
        values stay text.
        """
        pieces = [self.literals[0]]
        for (name, default), literal in zip(self.tags, self.literals[1:], strict=True):
            value = values.get(name, "")
            if not value.strip():
                pieces.append(default)
            else:
                pieces.append(escape(value) if html else value)
            pieces.append(literal)
        return "".join(pieces)

    def render_line(self, values: Mapping[str, str]) -> str:
        """The text for one subscriber on one line, for a header: a value's line breaks become blanks."""
        return " ".join(self.render(values, html=False).split())


def render(text: str, values: Mapping[str, str], *, html: bool) -> str:
    """`text` for one subscriber; see `Template.render`."""
    return Template.parse(text).render(values, html=html)


def find_tags(text: str) -> set[str]:
    """The names of all tags in `text`, known or not."""
    return {name for name, _ in Template.parse(text).tags}


def unknown_tags(text: str, known: Collection[str]) -> list[str]:
    """What looks like a tag but would not be filled, as written, in order: so that saving can refuse it.

    `known` holds the names of the subscribers' fields; the standard tags are always known, and one with a
    default needs no field: the default stands in.
    """
    unknown: dict[str, None] = {}
    for match in _NEAR_TAG.finditer(text):
        tag = _TAG.fullmatch(match[0])
        if tag is None:
            unknown[match[1]] = None
        elif tag[2] is None and tag[1] not in known and tag[1] not in STANDARD_TAGS:
            unknown[tag[1]] = None
    return list(unknown)
