"""How the backend shows a state, a moment and an address: colour and icon and text, never colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

EMPTY = format_html('<span class="text-font-subtle-light dark:text-font-subtle-dark">{}</span>', "–")


class Tone(Enum):
    """The colours of a badge, light and dark."""

    GOOD = "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400"
    WARNING = "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400"
    BAD = "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400"
    INFO = "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400"
    QUIET = "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200"


def badge(text: str, tone: Tone, icon: str, title: str = "") -> SafeString:
    """A coloured label with a Material symbol; `title` is read on hover."""
    return format_html(
        '<span class="inline-block font-semibold rounded-default text-xs whitespace-nowrap h-6 leading-6 '
        'px-2 {}" title="{}"><span class="material-symbols-outlined text-sm -ml-0.5 mr-1 align-[-3px]" '
        'aria-hidden="true">{}</span>{}</span>',
        tone.value,
        title,
        icon,
        text,
    )


def state_badge(state: str, label: str, looks: Mapping[Any, tuple[Tone, str]], title: str = "") -> SafeString:
    """The badge of a state, from a table of looks; a state nobody listed is shown plainly."""
    tone, icon = looks.get(state, (Tone.QUIET, "help"))
    return badge(label, tone, icon, title)


def ago(at: datetime) -> str:
    """How long ago or how soon, as both faces say it."""
    now = timezone.now()
    if abs(at - now) < timedelta(minutes=1):
        return "just now"
    return f"in {timesince(now, at, depth=1)}" if at > now else f"{timesince(at, now, depth=1)} ago"


def moment(at: datetime | None) -> SafeString:
    """How long ago, the exact time on hover."""
    if at is None:
        return EMPTY
    exact = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html(
        '<time class="whitespace-nowrap" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        exact,
        ago(at),
    )


def expiry(on: date | None, today: date) -> SafeString:
    """A countdown to the day a secret ends: red within 7 days and after, orange within 30."""
    if on is None:
        return EMPTY
    days = (on - today).days
    title = f"Ends on {on:%Y-%m-%d}"
    if days < 0:
        return badge("Expired", Tone.BAD, "event_busy", title)
    text = "Expires today" if days == 0 else f"{days} day{'' if days == 1 else 's'} left"
    if days <= 7:
        return badge(text, Tone.BAD, "alarm", title)
    return badge(
        text, Tone.WARNING if days <= 30 else Tone.GOOD, "schedule" if days <= 30 else "event", title
    )


def link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', url, text)


def lines(*texts: str) -> SafeString:
    """Texts below each other, the first one stronger."""
    shown = [text for text in texts if text]
    if not shown:
        return EMPTY
    rest = format_html_join(
        "",
        '<div class="text-xs text-font-subtle-light dark:text-font-subtle-dark max-w-md truncate" '
        'title="{}">{}</div>',
        ((text, text) for text in shown[1:]),
    )
    return format_html(
        '<div class="font-medium text-font-important-light dark:text-font-important-dark">{}</div>{}',
        shown[0],
        rest,
    )


def source_text(text: str) -> SafeString:
    """A long text as it is, escaped, in a box that scrolls."""
    if not text:
        return EMPTY
    return format_html(
        '<pre tabindex="0" class="border border-base-200 dark:border-base-800 rounded-default p-3 text-xs '
        'whitespace-pre-wrap overflow-auto max-h-96 font-mono">{}</pre>',
        text,
    )
