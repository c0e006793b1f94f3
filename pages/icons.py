"""The icons of both faces: 24 by 24 outlines drawn inline, so that they take the text's colour."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

ICONS: dict[str, str] = {
    "alert": '<path d="M12 3.5 2.5 20h19z"/><path d="M12 10v4.5"/><path d="M12 17.2v.1"/>',
    "ban": '<circle cx="12" cy="12" r="9"/><path d="m5.7 5.7 12.6 12.6"/>',
    "check": '<path d="m4.5 12.5 5 5 10-11"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.2 2"/>',
    "copy": '<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15H4V4h11v1"/>',
    "cross": '<path d="m6 6 12 12M18 6 6 18"/>',
    "dash": '<path d="M6 12h12"/>',
    "down": '<path d="M12 5v14m-6-6 6 6 6-6"/>',
    "download": '<path d="M12 4v11m-5-5 5 5 5-5M4 20h16"/>',
    "edit": '<path d="m4 20 1-4.5L16.5 4 20 7.5 8.5 19z"/>',
    "eye": '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/>'
    '<circle cx="12" cy="12" r="2.8"/>',
    "filter": '<path d="M4 5h16l-6.2 7.5V19l-3.6-2v-4.5z"/>',
    "folder": '<path d="M3 18.5v-13h6l2 2.5h10v10.5z"/>',
    "help": '<circle cx="12" cy="12" r="9"/><path d="M9.4 9.3a2.7 2.7 0 1 1 3.9 2.6c-.9.5-1.3 1-1.3 2"/>'
    '<path d="M12 16.9v.1"/>',
    "history": '<path d="M3.5 12a8.5 8.5 0 1 0 2.7-6.2L3.5 8.2V4"/><path d="M12 7.5V12l3 2"/>',
    "home": '<path d="m3.5 11 8.5-7 8.5 7"/><path d="M6 9.5V20h12V9.5"/>',
    "inbox": '<path d="M3 13.5 6 5h12l3 8.5V19H3z"/><path d="M3 13.5h5l1.5 2.5h5l1.5-2.5h5"/>',
    "key": '<circle cx="7.8" cy="15.8" r="4"/><path d="m10.7 12.9 8.8-8.9m-3.4 3.4 2.8 2.8"/>',
    "list": '<path d="M8.5 6H20M8.5 12H20M8.5 18H20M4.2 6h.1M4.2 12h.1M4.2 18h.1"/>',
    "lock": '<rect x="5" y="11" width="14" height="9.5" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
    "megaphone": '<path d="M4 10v4l3 .5L17 19V5L7 9.5z"/><path d="M7.5 14.5 9 19.5h2.5L10.5 16M20 10v4"/>',
    "menu": '<path d="M4 6.5h16M4 12h16M4 17.5h16"/>',
    "moon": '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"/>',
    "outbox": '<path d="M3 13.5V19h18v-5.5"/><path d="M12 15V4m-4.5 4.5L12 4l4.5 4.5"/>',
    "pause": '<path d="M8.5 5v14M15.5 5v14"/>',
    "play": '<path d="M7 4.5v15l12-7.5z"/>',
    "plug": '<path d="M9 3v5m6-5v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "return": '<path d="M9 5 4 10l5 5"/><path d="M4 10h10.5a5.5 5.5 0 0 1 0 11H11"/>',
    "search": '<circle cx="10.8" cy="10.8" r="6.3"/><path d="m15.5 15.5 5 5"/>',
    "send": '<path d="m3 11 18-8-6.5 18-3.5-7.5z"/><path d="M11 13.5 21 3"/>',
    "shield": '<path d="M12 3 4.5 6v5.5c0 4.7 3.1 8 7.5 9.5 4.4-1.5 7.5-4.8 7.5-9.5V6z"/>',
    "signout": '<path d="M10 4H4v16h6M15 8l4 4-4 4m4-4H9"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 2v2.5m0 15V22M2 12h2.5m15 0H22M4.9 4.9l1.8 1.8"/>'
    '<path d="m17.3 17.3 1.8 1.8m0-14.2-1.8 1.8M6.7 17.3l-1.8 1.8"/>',
    "sync": '<path d="M20 11a8 8 0 0 0-14-4.2L4 9m0-5v5h5M4 13a8 8 0 0 0 14 4.2l2-2.2m0 5v-5h-5"/>',
    "team": '<circle cx="12" cy="8" r="3.6"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>',
    "trash": '<path d="M4 6.5h16M9.5 6.5V4h5v2.5M6 6.5l1 14h10l1-14M10 10.5v6.5m4-6.5v6.5"/>',
    "undo": '<path d="M8 5 3.5 9.5 8 14"/><path d="M3.5 9.5h10a6 6 0 0 1 0 12H9"/>',
    "up": '<path d="M12 19V5m-6 6 6-6 6 6"/>',
    "upload": '<path d="M12 16V4.5M7 9.5l5-5 5 5M4 20h16"/>',
    "users": '<circle cx="9" cy="8.5" r="3.3"/><path d="M2.5 19.5a6.5 6.5 0 0 1 13 0"/>'
    '<path d="M15.5 5.5a3.3 3.3 0 0 1 0 6M18 14.2a6.5 6.5 0 0 1 3.5 5.3"/>',
    "zap": '<path d="M13 3 5 13.5h6L10.5 21 19 10h-6z"/>',
}


def icon(name: str) -> SafeString:
    """An icon for decoration beside a text: hidden from screen readers."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        mark_safe(ICONS[name]),  # noqa: S308  our own constant above
    )
