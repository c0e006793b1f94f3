"""HTML to the plain text a person would read, by libxml2's parser; nothing in it is ever fetched or run."""

from __future__ import annotations

import re
from typing import Any, cast

from lxml import etree

from mail.charsets import clean_text

MAX_HTML_CHARACTERS = 2_000_000
MAX_TEXT_CHARACTERS = 1_000_000

_SKIPPED = frozenset(
    {"script", "style", "title", "template", "noembed", "object", "svg", "select", "textarea"}
)
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
    }
    | {
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "ol",
    }
    | {"p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table", "pre"})
_INVISIBLE = re.compile("[\u00ad\u034f\u200b\u2060\ufeff]")


def html_to_text(html: str, *, with_links: bool = False) -> str:
    """The readable text of `html`: blocks as lines, quotes marked with ">", entities decoded. Never raises.

    `with_links` writes each link's address behind its text, as the plain half of a campaign needs it.
    Takes time in proportion to the length, of which it reads at most MAX_HTML_CHARACTERS.
    """
    collector = _Collector(with_links=with_links)
    # The depth limit of libxml2 is for trees; a target builds none.
    parser = etree.HTMLParser(target=cast(Any, collector), encoding="utf-8", no_network=True, huge_tree=True)
    try:
        parser.feed(clean_text(html[:MAX_HTML_CHARACTERS]).encode())
        parser.close()
    except etree.LxmlError:
        pass  # an empty or hopeless document: what was collected until then is the text
    return collector.text()


class _Collector:
    """A parser target that writes lines; block elements end them."""

    def __init__(self, *, with_links: bool) -> None:
        self._with_links = with_links
        self._lines: list[str] = []
        self._line: list[str] = []
        self._size = 0
        self._quotes = 0
        self._skipping = 0
        self._preformatted = 0
        self._links: list[tuple[str, int]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Part of lxml's target interface, as are `end`, `data`, `comment` and `close`."""
        if self._skipping or tag in _SKIPPED or _is_hidden(attributes):
            self._skipping += 1
            return
        if tag == "br":
            self._end_line()
        elif tag in _BLOCKS:
            self._end_block(tag)
        if tag == "hr":
            self._write("_" * 32)
        elif tag == "li":
            self._write("- ")
        elif tag in ("td", "th"):
            self._write(" ")
        elif tag == "img" and self._with_links:
            self._write(attributes.get("alt", ""))
        elif tag == "a":
            self._links.append((attributes.get("href", "").strip(), len(self._line)))
        self._quotes += tag == "blockquote"
        self._preformatted += tag == "pre"

    def end(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _BLOCKS:
            self._end_block(tag)
        self._quotes -= tag == "blockquote" and self._quotes > 0
        self._preformatted -= tag == "pre" and self._preformatted > 0

    def data(self, data: str) -> None:
        if self._skipping:
            return
        if not self._preformatted:
            self._write(data)
            return
        first, *others = data.split("\n")
        self._write(first)
        for line in others:
            self._end_line()
            self._write(line)

    def comment(self, text: str) -> None:
        """Comments are not read, and neither are the conditional ones of Outlook."""

    def close(self) -> None:
        """Nothing is built, so nothing is returned."""

    def text(self) -> str:
        """Everything written so far, with at most one empty line in a row."""
        self._end_line()
        return re.sub(r"(?:\n(?:> ?)*+(?=\n)){2,}", "\n", "\n".join(self._lines)).strip("\n")

    def _write(self, text: str) -> None:
        if self._size < MAX_TEXT_CHARACTERS:
            self._line.append(text)
            self._size += len(text)

    def _end_line(self) -> None:
        line = " ".join(_INVISIBLE.sub("", "".join(self._line)).split())
        # Quotes within quotes are marked ten deep; deeper ones would only cost memory.
        prefix = ">" * min(self._quotes, 10) + " " if self._quotes else ""
        self._lines.append(prefix + line)
        self._size += len(prefix) + 1
        self._line = []

    def _end_block(self, tag: str) -> None:
        if "".join(self._line).strip():
            self._end_line()
        self._line = []
        if tag in _PARAGRAPHS and self._lines and self._lines[-1].strip("> "):
            self._lines.append("")

    def _end_link(self, href: str, begin: int) -> None:
        text = " ".join("".join(self._line[begin:]).split())
        if self._with_links and href.lower().startswith(("http:", "https:", "mailto:", "[")) and href != text:
            self._write(f" ({href})" if text else href)


def _is_hidden(attributes: dict[str, str]) -> bool:
    style = attributes.get("style", "").replace(" ", "").lower()
    return "hidden" in attributes or "display:none" in style
