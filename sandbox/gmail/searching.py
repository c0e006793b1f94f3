"""The search language of `q`, as far as mail programs use it.

https://support.google.com/mail/answer/7190
What is no known operator is searched as plain words, as Gmail does, and noted.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from sandbox import mime
from sandbox.gmail.mailbox import GmailMessage

_TERM = re.compile(r"""(?P<not>-?)(?:(?P<name>[a-z_\d]+):)?(?P<value>"[^"]*"|\([^()]*\)|[^\s"()]+)""", re.I)
_WORD = re.compile(r"[\w]+")
# Plain dates are midnight in California.
_PACIFIC = timezone(timedelta(hours=-8))
_IN = {
    "inbox": "INBOX",
    "sent": "SENT",
    "spam": "SPAM",
    "trash": "TRASH",
    "draft": "DRAFT",
    "drafts": "DRAFT",
    "unread": "UNREAD",
    "starred": "STARRED",
}

Test = Callable[[GmailMessage], bool]


class Search:
    """A parsed query. `reaches_everywhere` says that it asks for spam or trash itself."""

    def __init__(self, query: str, now: float) -> None:
        self.unknown: list[str] = []
        self.reaches_everywhere = False
        self._now = now
        self._tests = self._parse(query)

    def matches(self, message: GmailMessage) -> bool:
        return all(any(test(message) for test in group) for group in self._tests)

    def _parse(self, query: str) -> list[list[Test]]:
        groups: list[list[Test]] = []
        joined = False
        for found in _TERM.finditer(query):
            value = found["value"]
            if value == "OR" and not found["name"]:
                joined = bool(groups)
                continue
            test = self._term((found["name"] or "").lower(), value.strip('"()'))
            if found["not"]:
                test = _negate(test)
            if joined:
                groups[-1].append(test)
            else:
                groups.append([test])
            joined = False
        return groups

    def _term(self, name: str, value: str) -> Test:
        if name in _TEXT_OF:
            text_of = _TEXT_OF[name]
            return lambda message: _has_words(text_of(message), value)
        match name:
            case "in" | "is" | "label":
                return self._label(value)
            case "after" | "newer":
                since = self._time(value)
                return lambda message: message.received_at >= since
            case "before" | "older":
                until = self._time(value)
                return lambda message: message.received_at < until
            case "newer_than" | "older_than":
                return self._age(name, value)
            case "rfc822msgid":
                wanted = value.strip("<>")
                return lambda message: message.digest.message_id.strip("<>") == wanted
            case "has" if value.lower() == "attachment":
                return lambda message: message.digest.has_attachments
        if name:
            self.unknown.append(f"{name}:{value}")
            value = f"{name} {value}"
        return lambda message: _has_words(_everything(message), value)

    def _label(self, value: str) -> Test:
        word = value.lower()
        if word in ("spam", "trash", "anywhere"):
            self.reaches_everywhere = True
        if word == "anywhere":
            return lambda message: True
        if word == "read":
            return lambda message: "UNREAD" not in message.labels
        label = _IN.get(word, value.upper())
        return lambda message: label in {one.upper() for one in message.labels}

    def _time(self, value: str) -> float:
        """Epoch seconds, or `2026/11/20` as midnight Pacific time; the beginning of time for nonsense."""
        if value.isdigit():
            return float(value)
        try:
            year, month, day = (int(part) for part in re.split(r"[/-]", value))
            return datetime(year, month, day, tzinfo=_PACIFIC).timestamp()
        except ValueError:
            self.unknown.append(value)
            return 0.0

    def _age(self, name: str, value: str) -> Test:
        days = {"d": 1, "m": 30, "y": 365}.get(value[-1:], 0)
        if not days or not value[:-1].isdigit():
            self.unknown.append(f"{name}:{value}")
            return lambda message: False
        edge = self._now - int(value[:-1]) * days * 86_400
        if name == "newer_than":
            return lambda message: message.received_at >= edge
        return lambda message: message.received_at < edge


def _negate(test: Test) -> Test:
    return lambda message: not test(message)


def _names(*addresses: mime.Address) -> str:
    return " ".join(f"{name} {address}" for name, address in addresses)


def _everything(message: GmailMessage) -> str:
    """What words are looked for in. Headers such as X-… are not in the index."""
    digest = message.digest
    return " ".join([digest.subject, _names(digest.sender, *digest.to, *digest.cc), digest.text, digest.html])


_TEXT_OF: dict[str, Callable[[GmailMessage], str]] = {
    "from": lambda message: _names(message.digest.sender),
    "to": lambda message: _names(*message.digest.to, *message.digest.cc, *message.digest.bcc),
    "cc": lambda message: _names(*message.digest.cc),
    "bcc": lambda message: _names(*message.digest.bcc),
    "subject": lambda message: message.digest.subject,
}


def _has_words(text: str, wanted: str) -> bool:
    """Whole words in the order given: the index holds no parts of words."""
    words = [word.lower() for word in _WORD.findall(text)]
    needle = [word.lower() for word in _WORD.findall(wanted)]
    size = len(needle)
    return bool(needle) and any(words[at : at + size] == needle for at in range(len(words) - size + 1))
