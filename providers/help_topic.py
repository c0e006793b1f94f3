"""How one entry of the help catalogue is written down, and the pages that entries send people to."""

from __future__ import annotations

from dataclasses import dataclass

from providers.errors import Help

KEYS = "API Connect → Manage API Keys"
SETTINGS = "API Connect → Settings"
SERVER = "Delivery servers → the server"
CONNECT_AGAIN = "Delivery servers → the server → Connect again"
LOGS = "Logs"


@dataclass(frozen=True, slots=True)
class Topic:
    """An entry, the other codes that mean the same, and phrases (lower case) that tell it by its text."""

    help: Help
    also: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that leads here."""
        return self.help.code, *self.also


def topic(
    code: str,
    title: str,
    cause: str,
    fix: str,
    screen: str = "",
    *,
    also: tuple[str, ...] = (),
    phrases: tuple[str, ...] = (),
) -> Topic:
    """An entry of the catalogue."""
    return Topic(Help(code, title, cause, fix, screen), also, phrases)
