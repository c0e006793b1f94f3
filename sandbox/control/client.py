"""A typed client of the control API, for tests and demos that run in other processes."""

from typing import Any, Literal
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 30


class SandboxError(Exception):
    """The control API refused; the text says why."""


class SandboxControl:
    """`origin` is that of the sandbox (`http://127.0.0.1:8025`); a session with an adapter may be given."""

    def __init__(self, origin: str, session: requests.Session | None = None) -> None:
        self._root = f"{origin.rstrip('/')}/_sandbox"
        self._session = session or requests.Session()

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        response = self._session.request(method, f"{self._root}/{path}", timeout=TIMEOUT_SECONDS, **arguments)
        if response.status_code >= 400:
            raise SandboxError(response.json().get("error", response.text))
        return response

    def _rows(self, path: str, **params: str | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._call("GET", path, params=params).json()
        return rows

    def _object(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        document: dict[str, Any] = self._call(method, path, json=body).json()
        return document

    def state(self) -> dict[str, Any]:
        """`now`, and `urls` by the names of the product's settings."""
        return self._object("GET", "state")

    def reset(self) -> None:
        self._call("POST", "reset")

    def seed(self, document: dict[str, Any]) -> None:
        """Add what the document of `sandbox.seeding` describes; raises SandboxError."""
        self._call("POST", "seed", json=document)

    def make_service_account(self, client_email: str, delegations: dict[str, list[str]]) -> dict[str, Any]:
        """The key file of a new account with these scopes in each domain."""
        body = {"client_email": client_email, "delegations": delegations}
        return self._object("POST", "service-accounts", body)

    def mailboxes(self) -> list[dict[str, Any]]:
        return self._rows("mailboxes")

    def add_mailbox(self, provider: str, email: str, display_name: str = "", **details: Any) -> None:
        """Details are those of a seed document: licensed, tenant, aliases, send_as, settings."""
        body = {"provider": provider, "email": email, "display_name": display_name, **details}
        self._call("POST", "mailboxes", json=body)

    def configure(self, email: str, **settings: Any) -> None:
        """Change settings of one mailbox, or `licensed` and `suspended`."""
        self._call("PATCH", f"mailboxes/{quote(email)}", json=settings)

    def set_limits(self, **limits: Any) -> None:
        """Change limits of the whole sandbox, `latency_ms` among them."""
        self._call("PATCH", "limits", json=limits)

    def messages(
        self, email: str, place: Literal["inbox", "junk", "sent", "drafts", "trash"] | None = None
    ) -> list[dict[str, Any]]:
        return self._rows(f"mailboxes/{quote(email)}/messages", place=place)

    def raw(self, email: str, message: str | int) -> bytes:
        """The bytes of a message, by its key or API id."""
        return self._call("GET", f"mailboxes/{quote(email)}/messages/{quote(str(message))}/raw").content

    def deliver(self, email: str, raw: bytes, folder: Literal["inbox", "junk"] = "inbox") -> dict[str, Any]:
        """Put raw mail into a mailbox as if it had just arrived."""
        path = f"mailboxes/{quote(email)}/messages"
        headers = {"Content-Type": "message/rfc822"}
        response = self._call("POST", path, data=raw, headers=headers, params={"folder": folder})
        view: dict[str, Any] = response.json()
        return view

    def act(self, email: str, message: str | int, action: str, place: str | None = None) -> None:
        """What a person does: mark_read, mark_unread, move (to a place), remove."""
        path = f"mailboxes/{quote(email)}/messages/{quote(str(message))}"
        self._call("POST", path, json={"action": action, "place": place})

    def expire_tokens(self) -> None:
        self._call("POST", "expire", json={"what": "tokens"})

    def expire_cursors(self, email: str) -> None:
        self._call("POST", "expire", json={"what": "cursors", "mailbox": email})

    def ledger(self, *, token: str | None = None, recipient: str | None = None) -> list[dict[str, Any]]:
        """What was handed over for delivery, one row for each recipient."""
        return self._rows("ledger", token=token, recipient=recipient)

    def sent_twice(self) -> list[dict[str, Any]]:
        """Every token and recipient that was handed over more than once: empty, or somebody got two."""
        return self._rows("ledger/sent-twice")

    def fault(self, effect: str, call: str = "*", **details: Any) -> int:
        """Order a fault (see `sandbox.faults.Fault`); gives its id."""
        body = {"effect": effect, "call": call, **details}
        return int(self._object("POST", "faults", body)["id"])

    def faults(self) -> list[dict[str, Any]]:
        return self._rows("faults")

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def advance(self, seconds: float) -> None:
        self._call("POST", "clock", json={"seconds": seconds})

    def reply(self, address: str, text: str, **details: Any) -> None:
        """Let that outside address answer what it receives (see `sandbox.replies.Script`)."""
        self._call("POST", "replies", json={"address": address, "text": text, **details})

    def counters(self) -> dict[str, Any]:
        return self._object("GET", "counters")

    def notes(self) -> list[dict[str, Any]]:
        return self._rows("notes")
