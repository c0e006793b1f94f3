"""The connection test of a Gmail mailbox: scopes one by one, then the mailbox itself.

One scope too many fails a whole token, so each is asked for alone. A message without content is refused with 400
where sending is allowed and with 403 where it is not: nothing can be sent by it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from providers.answers import as_rows, as_text
from providers.api import Api, Content
from providers.checking import Checklist
from providers.errors import MessageRejected, PermissionDenied, ProviderError
from providers.gmail.mailbox import ROOT, get
from providers.gmail.scopes import FULL, MODIFY, PROBED, READONLY, SEND
from providers.help import help_for
from providers.messages import AccessToken, Capabilities, StepState

AcquireToken = Callable[[frozenset[str]], AccessToken]


class MailboxCheck:
    """All steps for one mailbox; `acquire` asks for a fresh token with some scopes."""

    def __init__(self, api: Api, email: str, acquire: AcquireToken) -> None:
        self._api = api
        self._email = email
        self._acquire = acquire
        self._steps = Checklist()
        self._refusals: dict[str, PermissionDenied] = {}

    def run(self) -> Capabilities:
        """Try credential, token, mailbox, send, read, modify and delete."""
        token = self._steps.take_token(self._probe_scopes)
        if token is None:
            return self._steps.to_refusal()
        readable = bool(token.scopes & {MODIFY, FULL, READONLY})
        if not self._open_mailbox(token, readable):
            return self._steps.to_refusal()
        send = self._can_send(token)
        read = self._record_right("read", token, {MODIFY, FULL, READONLY})
        modify = self._record_right("modify", token, {MODIFY, FULL})
        delete = self._record_delete(token)
        senders = self._senders(token) if readable else []
        return Capabilities(
            send=send,
            read=read,
            modify=modify,
            delete=delete,
            scopes=token.scopes,
            display_name=self._display_name(senders),
            unread=self._unread(token) if readable else None,
            send_as=frozenset({self._email.casefold(), *_verified(senders)}),
            steps=self._steps.steps(),
        )

    def _probe_scopes(self) -> AccessToken:
        """A token with every scope that is granted; the refusal of the first where none is."""
        proven = {scope for scope in PROBED if self._is_granted(scope)}
        if not proven & {MODIFY, FULL} and self._is_granted(READONLY):
            proven.add(READONLY)
        if not proven:
            raise next(iter(self._refusals.values()))
        return self._acquire(frozenset(proven))

    def _is_granted(self, scope: str) -> bool:
        try:
            self._acquire(frozenset({scope}))
        except PermissionDenied as error:
            self._refusals[scope] = error
            return False
        return True

    def _open_mailbox(self, token: AccessToken, readable: bool) -> bool:
        """Whether the mailbox is there: its profile, or where that may not be read, an empty message."""
        probe = self._profile if readable else self._try_empty_message
        detail = self._steps.attempt("mailbox", lambda: probe(token))
        if detail is None:
            return False
        self._steps.record("mailbox", StepState.PASSED, detail)
        return True

    def _profile(self, token: AccessToken) -> str:
        return f"{get(self._api, token, '/profile').get('messagesTotal')} messages."

    def _try_empty_message(self, token: AccessToken) -> str:
        url = self._api.url(f"{ROOT}/messages/send")
        with suppress(MessageRejected):
            self._api.request(token, "POST", url, Content.json({"raw": ""}), repeatable=False)
        return "It may be sent from."

    def _can_send(self, token: AccessToken) -> bool:
        if not token.scopes & {SEND, MODIFY, FULL}:
            self._steps.fail("send", self._refusals[SEND])
            return False
        return self._steps.attempt("send", lambda: self._try_empty_message(token)) is not None

    def _record_right(self, step: str, token: AccessToken, sufficient: set[str]) -> bool:
        """A scope that was granted, with a mailbox that opened, is the proof."""
        if token.scopes & sufficient:
            self._steps.record(step, StepState.PASSED)
            return True
        self._steps.fail(step, self._refusals[MODIFY])
        return False

    def _record_delete(self, token: AccessToken) -> bool:
        if FULL in token.scopes:
            self._steps.record("delete", StepState.PASSED, "Processed mail is deleted for good.")
        elif MODIFY in token.scopes:
            help_entry = help_for("google", "gmail-trash-only")
            self._steps.record("delete", StepState.SKIPPED, help_entry.title + ".", help_entry)
        else:
            self._steps.fail("delete", self._refusals[FULL])
        return FULL in token.scopes

    def _senders(self, token: AccessToken) -> list[dict[str, Any]]:
        """The addresses it may send from; nice to know, and no reason to fail."""
        try:
            return as_rows(get(self._api, token, "/settings/sendAs").get("sendAs"))
        except ProviderError:
            return []

    def _display_name(self, senders: list[dict[str, Any]]) -> str:
        own = [row for row in senders if as_text(row.get("sendAsEmail")).casefold() == self._email.casefold()]
        primary = [row for row in senders if row.get("isPrimary") is True]
        return next((as_text(row.get("displayName")) for row in own + primary), "")

    def _unread(self, token: AccessToken) -> int | None:
        """Unread mail in inbox and spam."""
        try:
            counts = [
                get(self._api, token, f"/labels/{label}").get("messagesUnread") for label in ("INBOX", "SPAM")
            ]
        except ProviderError:
            return None
        return sum(count for count in counts if isinstance(count, int))


def _verified(senders: list[dict[str, Any]]) -> set[str]:
    """Addresses that Gmail does not silently replace: the own ones, and aliases confirmed."""
    return {
        as_text(row.get("sendAsEmail")).casefold()
        for row in senders
        if row.get("isPrimary") is True or row.get("verificationStatus") in (None, "accepted")
    }
