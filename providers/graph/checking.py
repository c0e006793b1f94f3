"""The connection test of an Exchange mailbox. It proves rights without using them.

A body that is no base64 is refused with ErrorMimeContentInvalidBase64String where the right is there, and
with 403 where it is not: nothing can be sent or made by it. The token's roles prove nothing by themselves: an
application limited by RBAC has none, and one limited by an access policy has too many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from providers.answers import as_mapping, as_rows, as_text
from providers.api import Api, Content
from providers.checking import Checklist
from providers.errors import MessageRejected, PermissionDenied, ProviderError
from providers.graph.mailbox import folder_path, get, post, user_path
from providers.graph.sending import delete_message
from providers.messages import AccessToken, Capabilities, StepState

NO_MIME = Content(b"!", "text/plain")


class MailboxCheck:
    """The steps behind the token, for one mailbox."""

    def __init__(self, api: Api, token: AccessToken, steps: Checklist) -> None:
        self._api = api
        self._token = token
        self._steps = steps

    def run(self) -> Capabilities:
        """Try mailbox, send, read, modify and delete."""
        inbox = self._open_inbox()
        if inbox is None and not self._steps.has_passed("mailbox"):
            return self._steps.to_refusal()
        send = self._probe("send", f"{user_path(self._token.email)}/sendMail")
        read = inbox is not None
        modify = self._probe("modify", f"{user_path(self._token.email)}/messages")
        self._record_delete(modify)
        proven = {"Mail.Send": send, "Mail.Read": read, "Mail.ReadWrite": modify}
        return Capabilities(
            send=send,
            read=read,
            modify=modify,
            delete=modify,
            scopes=frozenset(name for name, is_proven in proven.items() if is_proven),
            display_name=self._display_name() if read else "",
            unread=self._unread(inbox) if inbox else None,
            send_as=frozenset({self._token.email.casefold()}),
            steps=self._steps.steps(),
        )

    def _open_inbox(self) -> dict[str, Any] | None:
        """The inbox, which proves mailbox and reading; where it is closed, the right to send may tell more."""
        try:
            inbox = self._folder("inbox")
        except PermissionDenied as error:
            self._steps.fail("read", error)
            self._judge_closed_mailbox(error)
            return None
        except ProviderError as error:
            self._steps.fail("mailbox", error)
            return None
        total, unread = inbox.get("totalItemCount"), inbox.get("unreadItemCount")
        self._steps.record("mailbox", StepState.PASSED, f"{total} messages in the inbox, {unread} unread.")
        self._steps.record("read", StepState.PASSED)
        return inbox

    def _judge_closed_mailbox(self, refusal: ProviderError) -> None:
        """A mailbox that may not be read may still be there to send from."""
        try:
            self._try_mime(f"{user_path(self._token.email)}/sendMail")
        except PermissionDenied:
            self._steps.fail("mailbox", refusal)
        except ProviderError as error:
            self._steps.fail("mailbox", error)
        else:
            self._steps.record("mailbox", StepState.PASSED, "It may be sent from, not read.")

    def _probe(self, step: str, path: str) -> bool:
        """Whether the right is proved."""
        self._steps.attempt(step, lambda: self._try_mime(path))
        return self._steps.has_passed(step)

    def _try_mime(self, path: str) -> None:
        try:
            answer = post(self._api, self._token, path, NO_MIME, ok=(201, 202))
        except MessageRejected:
            return
        # A lenient server made a draft of it: it goes again.
        if draft_id := as_text(answer.fields().get("id")):
            delete_message(self._api, self._token, draft_id)

    def _record_delete(self, modify: bool) -> None:
        if modify:
            self._steps.record("delete", StepState.PASSED, "Mail.ReadWrite deletes, into Deleted Items.")
        else:
            self._steps.record("delete", StepState.SKIPPED, "Deleting needs Mail.ReadWrite.")

    def _folder(self, name: str) -> dict[str, Any]:
        path = folder_path(self._token.email, name)
        return get(self._api, self._token, path, select="id,totalItemCount,unreadItemCount")

    def _unread(self, inbox: dict[str, Any]) -> int:
        """Unread mail in inbox and junk."""
        junk = _or_nothing(lambda: self._folder("junkemail"))
        counts = (folder.get("unreadItemCount") for folder in (inbox, junk))
        return sum(count for count in counts if isinstance(count, int))

    def _display_name(self) -> str:
        """As the newest sent message shows it: the directory itself needs a right of its own."""
        path = f"{folder_path(self._token.email, 'sentitems')}/messages"
        body = _or_nothing(lambda: get(self._api, self._token, path, select="from", top=1))
        row = next(iter(as_rows(body.get("value"))), {})
        name = as_text(as_mapping(as_mapping(row.get("from")).get("emailAddress")).get("name"))
        return "" if "@" in name else name


def _or_nothing(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is nice to know and no reason to fail."""
    try:
        return look()
    except ProviderError:
        return {}
