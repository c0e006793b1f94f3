"""Who may ask for tokens, and the tokens that were given."""

from collections.abc import Iterable
from dataclasses import dataclass, field

GOOGLE_FULL = "https://mail.google.com/"


@dataclass
class MicrosoftTenant:
    """`domains` are its verified ones; an address in them belongs to the tenant."""

    id: str
    domains: set[str] = field(default_factory=set)
    apps: dict[str, "MicrosoftApp"] = field(default_factory=dict)
    external_recipients_per_day: int | None = None
    external_recipients: list[float] = field(default_factory=list)


@dataclass
class MicrosoftApp:
    """A registered app in one tenant. `secrets` maps each secret to its expiry (seconds, None = never)."""

    client_id: str
    secrets: dict[str, float | None] = field(default_factory=dict, repr=False)
    roles: set[str] = field(default_factory=set)  # granted in Entra, so they stand in the token
    rbac_roles: set[str] = field(default_factory=set)  # granted in Exchange, so they do not
    certificates: list[str] = field(default_factory=list)  # PEM, without their keys
    mailboxes: set[str] | None = None  # an application access policy; None: every mailbox
    enabled: bool = True


@dataclass
class GoogleServiceAccount:
    """`delegations` maps each Workspace domain to the scopes its admin granted to this client."""

    client_email: str
    public_keys: dict[str, str] = field(default_factory=dict)  # private_key_id → PEM
    client_id: str = ""
    delegations: dict[str, set[str]] = field(default_factory=dict)
    api_enabled: bool = True
    project: str = "sandbox-project"

    def delegate(self, domain: str, scopes: Iterable[str]) -> None:
        self.delegations[domain.lower()] = set(scopes)


@dataclass(frozen=True)
class MicrosoftGrant:
    """What a Graph token stands for; roles are those of the moment it was given."""

    tenant: str
    client_id: str
    roles: frozenset[str]
    expires_at: float


@dataclass(frozen=True)
class GoogleGrant:
    """What a Google token stands for; `subject` is the mailbox, empty without delegation."""

    client_email: str
    subject: str
    scopes: frozenset[str]
    expires_at: float
