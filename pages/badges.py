"""Badges: colour, icon and text together, never colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.html import format_html
from django.utils.safestring import SafeString

from pages.icons import icon


class Tone(StrEnum):
    """What a badge means; the value is its CSS modifier."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    INFO = "info"
    QUIET = "quiet"


TONE_ICONS = {
    Tone.GOOD: "check",
    Tone.WARNING: "alert",
    Tone.BAD: "cross",
    Tone.INFO: "clock",
    Tone.QUIET: "dash",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A short state. `title` is the sentence behind it, shown on hover."""

    text: str
    tone: Tone = Tone.QUIET
    icon: str = ""
    title: str = ""

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> SafeString:
        return format_html(
            '<span class="badge badge-{}"{}>{}<span>{}</span></span>',
            self.tone.value,
            format_html(' title="{}"', self.title) if self.title else "",
            icon(self.icon or TONE_ICONS[self.tone]),
            self.text,
        )
