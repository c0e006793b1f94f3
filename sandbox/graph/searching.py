"""`$search` over messages: words and the properties from, to, subject, body (KQL, in its simplest form)."""

import re
import shlex

from sandbox.graph.mailbox import GraphMessage

_WORD = re.compile(r"[\w.@+-]+")


def matches_search(message: GraphMessage, query: str) -> bool:
    """Every term must be found; a term is a word, `property:word`, or either in double quotes."""
    text = query.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"')
    try:
        terms = shlex.split(text)
    except ValueError:
        terms = text.split()
    return all(_has(message, term) for term in terms if term.upper() != "AND")


def _has(message: GraphMessage, term: str) -> bool:
    name, colon, value = term.partition(":")
    digest = message.digest
    places = {
        "from": " ".join(digest.sender),
        "to": " ".join(" ".join(one) for one in digest.to),
        "recipients": " ".join(" ".join(one) for one in (*digest.to, *digest.cc, *digest.bcc)),
        "subject": digest.subject,
        "body": f"{digest.text} {digest.html}",
    }
    if colon and name.lower() in places:
        return _in_words(value, places[name.lower()])
    return any(_in_words(term, text) for text in places.values())


def _in_words(wanted: str, text: str) -> bool:
    """Whole words, or the beginning of one: the index knows no middle parts."""
    words = [word.lower() for word in _WORD.findall(text)]
    return all(any(word.startswith(part.lower()) for word in words) for part in wanted.split())
