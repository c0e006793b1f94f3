"""Everything the sandbox knows, in memory, behind one lock: directories, mailboxes, faults, counts."""

import copy
import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sandbox.clock import VirtualClock, rfc3339
from sandbox.directory import (
    GoogleGrant,
    GoogleServiceAccount,
    MicrosoftApp,
    MicrosoftGrant,
    MicrosoftTenant,
)
from sandbox.faults import Effect, Fault, FaultBook
from sandbox.gmail.mailbox import GmailMailbox
from sandbox.graph.mailbox import GraphMailbox
from sandbox.ledger import Ledger
from sandbox.mailbox import Mailbox, Provider, StoredMessage
from sandbox.replies import Script
from sandbox.settings import Limits, changed

_DIRECTORIES = ("tenants", "service_accounts", "mailboxes", "graph_users", "scripts", "limits")


@dataclass(frozen=True)
class Note:
    """Something a client did that works here and is careless all the same."""

    kind: str
    call: str
    mailbox: str
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


class World:
    """The state of one sandbox. Threads may share it; hold `lock` to look at several things at once."""

    def __init__(self, clock: VirtualClock | None = None, limits: Limits | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._first_limits = limits or Limits()
        self.reset()

    def reset(self) -> None:
        """Forget everything but the time."""
        with self.lock:
            self.limits = self._first_limits
            self.tenants: dict[str, MicrosoftTenant] = {}
            self.service_accounts: dict[str, GoogleServiceAccount] = {}
            self.mailboxes: dict[str, Mailbox] = {}
            self.graph_users: dict[str, GraphMailbox] = {}
            self.microsoft_grants: dict[str, MicrosoftGrant] = {}
            self.google_grants: dict[str, GoogleGrant] = {}
            self.uploads: dict[str, Any] = {}
            self.scripts: dict[str, Script] = {}
            self.faults = FaultBook()
            self.ledger = Ledger()
            self.notes: list[Note] = []
            self.calls: Counter[str] = Counter()
            self._events: list[tuple[float, int, Callable[[], None]]] = []
            self._order = itertools.count()

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo every entry that the block adds to the directories when it raises."""
        before = {name: copy.copy(getattr(self, name)) for name in _DIRECTORIES}
        try:
            yield
        except Exception:
            self.__dict__.update(before)
            raise

    # Directories

    def add_microsoft_tenant(self, tenant_id: str, *, domains: Iterable[str] = ()) -> MicrosoftTenant:
        tenant = MicrosoftTenant(tenant_id, {domain.lower() for domain in domains})
        with self.lock:
            self.tenants[tenant_id.lower()] = tenant
        return tenant

    def add_microsoft_app(
        self,
        tenant: str | MicrosoftTenant,
        client_id: str,
        client_secret: str | None = None,
        *,
        roles: Iterable[str] = ("Mail.Send", "Mail.ReadWrite"),
        secret_expires_at: float | None = None,
        certificates: Iterable[str] = (),
    ) -> MicrosoftApp:
        """Raises KeyError for an unknown tenant. Certificates are PEM, without their keys."""
        with self.lock:
            owner = tenant if isinstance(tenant, MicrosoftTenant) else self.tenants[tenant.lower()]
            app = MicrosoftApp(client_id, roles=set(roles), certificates=list(certificates))
            if client_secret is not None:
                app.secrets[client_secret] = secret_expires_at
            owner.apps[client_id.lower()] = app
        return app

    def add_google_service_account(
        self,
        client_email: str,
        public_key: str,
        *,
        delegations: Mapping[str, Iterable[str]] | None = None,
        private_key_id: str = "",
        client_id: str = "",
    ) -> GoogleServiceAccount:
        """`public_key` is PEM; `delegations` maps each Workspace domain to its granted scopes."""
        account = GoogleServiceAccount(client_email, {private_key_id: public_key}, client_id)
        for domain, scopes in (delegations or {}).items():
            account.delegate(domain, scopes)
        with self.lock:
            self.service_accounts[client_email.lower()] = account
        return account

    # Mailboxes

    def add_mailbox(
        self,
        provider: Provider,
        email: str,
        display_name: str = "",
        *,
        licensed: bool = True,
        tenant: str | None = None,
        aliases: Iterable[str] = (),
        **settings: Any,
    ) -> Mailbox:
        """Settings are those of `MailboxSettings`; raises ValueError for unknown ones or a taken address."""
        with self.lock:
            mailbox = self._new_mailbox(provider, email, display_name, tenant, aliases)
            mailbox.licensed = licensed
            mailbox.settings = changed(mailbox.settings, settings)
            if taken := mailbox.addresses() & set(self.mailboxes):
                raise ValueError(f"There is a mailbox with the address {', '.join(taken)} already.")
            self.mailboxes |= dict.fromkeys(mailbox.addresses(), mailbox)
            if isinstance(mailbox, GraphMailbox):
                self.graph_users |= dict.fromkeys([*mailbox.addresses(), mailbox.user_id], mailbox)
        return mailbox

    def _new_mailbox(
        self, provider: str, email: str, name: str, tenant: str | None, aliases: Iterable[str]
    ) -> Mailbox:
        if provider == "google":
            return GmailMailbox(email, name, aliases=aliases)
        if provider == "microsoft":
            return GraphMailbox(email, name, tenant=tenant or self._tenant_of(email), aliases=aliases)
        raise ValueError(f"The provider is microsoft or google, not {provider!r}.")

    def _tenant_of(self, email: str) -> str:
        domain = email.rpartition("@")[2].lower()
        owners = [tenant.id for tenant in self.tenants.values() if domain in tenant.domains]
        if not owners and len(self.tenants) == 1:
            owners = [tenant.id for tenant in self.tenants.values()]
        if not owners:
            raise ValueError(f"No tenant has the domain {domain}: add it to a tenant, or name the tenant.")
        return owners[0]

    def mailbox(self, email: str) -> Mailbox:
        """With everything filed that is due by now; raises KeyError."""
        with self.lock:
            self.settle()
            return self.mailboxes[email.lower()]

    def deliver(
        self, raw: bytes, to: str, *, folder: Literal["inbox", "junk"] = "inbox", at: float | None = None
    ) -> StoredMessage:
        """Put raw mail into a mailbox as if it had just arrived; raises KeyError for an unknown one."""
        mailbox = self.mailbox(to)
        with self.lock:
            return mailbox.file(raw, folder, self.clock.now() if at is None else at)

    # Time

    def schedule(self, delay_seconds: float, action: Callable[[], None]) -> None:
        """Run later, by the virtual clock; at once when there is no delay."""
        if delay_seconds <= 0:
            action()
            return
        due_at = self.clock.now() + delay_seconds
        with self.lock:
            heapq.heappush(self._events, (due_at, next(self._order), action))

    def settle(self) -> None:
        """Carry out what is due."""
        with self.lock:
            while self._events and self._events[0][0] <= self.clock.now():
                heapq.heappop(self._events)[2]()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.settle()

    # Switches and records

    def configure(self, mailbox: str | None = None, **changes: Any) -> None:
        """Change `MailboxSettings` of one mailbox, or the `Limits` of all; ValueError for unknown ones."""
        with self.lock:
            if mailbox is None:
                self.limits = changed(self.limits, changes)
            else:
                target = self.mailbox(mailbox)
                target.settings = changed(target.settings, changes)

    def fault(self, effect: Effect, call: str = "*", **details: Any) -> Fault:
        """Order a fault: `world.fault("throttle", "graph.*", mailbox="a@x.example", retry_after=30)`."""
        with self.lock:
            return self.faults.add(Fault(effect, call, **details))

    def expire_tokens(self) -> None:
        """Every access token given so far answers 401 from now on."""
        with self.lock:
            self.microsoft_grants.clear()
            self.google_grants.clear()

    def expire_cursors(self, email: str) -> None:
        """Delta tokens answer 410 and history starts 404 from now on."""
        mailbox = self.mailbox(email)
        with self.lock:
            if isinstance(mailbox, GraphMailbox):
                mailbox.delta_epoch += 1
            elif isinstance(mailbox, GmailMailbox):
                mailbox.history_id += 7
                mailbox.history_floor = mailbox.history_id

    def note(self, kind: str, call: str, mailbox: Mailbox | None, detail: str = "") -> None:
        self.notes.append(Note(kind, call, mailbox.email if mailbox else "", detail))

    def counters(self) -> dict[str, Any]:
        """Calls by name, and for each mailbox what its limits counted."""
        with self.lock:
            boxes = {box.email: box for box in self.mailboxes.values()}
            return {
                "now": rfc3339(self.clock.now()),
                "calls": dict(self.calls),
                "mailboxes": {email: _usage(box) for email, box in boxes.items()},
            }


def _usage(mailbox: Mailbox) -> dict[str, Any]:
    usage = mailbox.usage
    return {
        "provider": mailbox.provider,
        "messages": len(mailbox.all_messages()),
        "calls": dict(usage.by_call),
        "most_in_flight": usage.most_in_flight,
        "units_spent": usage.units_spent,
    }
