"""The help catalogue: code → cause, fix and screen. Pages, logs and docs/troubleshooting.md all read it here."""

from __future__ import annotations

import sys

from providers.errors import Help
from providers.help_general import GENERAL
from providers.help_google import GOOGLE
from providers.help_microsoft import MICROSOFT
from providers.help_topic import Topic

# (heading, topics) as docs/troubleshooting.md prints them.
SECTIONS: tuple[tuple[str, tuple[Topic, ...]], ...] = (
    ("Microsoft", MICROSOFT),
    ("Google", GOOGLE),
    ("Both", GENERAL),
)
_BY_PROVIDER = {"microsoft": MICROSOFT, "google": GOOGLE}
_GENERAL_BY_CODE = {code: topic.help for topic in GENERAL for code in topic.codes}
_LISTED = frozenset(code for _, topics in SECTIONS for topic in topics for code in topic.codes)
_BY_STATUS = (401, 403, 404, 413, 429)


def help_for(provider: str, code: str, message: str = "", *, reason: str = "", status: int = 0) -> Help:
    """The entry that fits best: a phrase of the text, then reason, then code, then the HTTP status's class.

    The text goes first because Google sends three different faults as one `invalid_grant`.
    """
    topics = (*_BY_PROVIDER.get(provider, ()), *GENERAL)
    lowered = message[:2000].lower()
    for topic in topics:
        if any(phrase in lowered for phrase in topic.phrases):
            return topic.help
    for wanted in filter(None, (reason, code)):
        for topic in topics:
            if wanted in topic.codes:
                return topic.help
    return general_help(_code_for_status(status))


def general_help(code: str) -> Help:
    """An entry of the part for both providers; KeyError where there is none."""
    return _GENERAL_BY_CODE[code]


def is_listed(code: str) -> bool:
    """Whether an entry names this code."""
    return code in _LISTED


def _code_for_status(status: int) -> str:
    if status in _BY_STATUS:
        return f"http-{status}"
    return "http-4xx" if 400 <= status < 500 else "http-5xx"


def render_markdown() -> str:
    """docs/troubleshooting.md: `python -m providers.help > docs/troubleshooting.md`."""
    lines = [
        "# Troubleshooting",
        "",
        "Every failure that API Connect shows carries one of these entries. This page is made from the"
        " catalogue"
        " in `providers/help.py` by `python -m providers.help`; a test keeps both the same.",
    ]
    for heading, topics in SECTIONS:
        lines += ["", f"## {heading}"]
        for topic in topics:
            lines += _render(topic)
    return "\n".join(lines) + "\n"


def _render(topic: Topic) -> list[str]:
    codes = ", ".join(f"`{code}`" for code in topic.codes)
    lines = ["", f"### {topic.help.title}", "", f"Code: {codes}", ""]
    lines += [f"- **Cause:** {topic.help.cause}", f"- **Fix:** {topic.help.fix}"]
    if topic.help.screen:
        lines.append(f"- **Screen:** {topic.help.screen}")
    return lines


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
