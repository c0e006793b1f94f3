"""The form of every server, and that of delivery servers."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from accounts.limits import allowed_server_types
from accounts.models import SystemSettings
from keys.models import ApiKey
from mailboxes.models import Watch
from mailboxes.watching import DEFAULT_FIRST_READ
from pages.forms import CustomerForm
from providers.registry import PROVIDERS, provider_of_server_type
from servers.models import DeliveryServer

# What says whose mailbox is opened by which key.
ACCESS_FIELDS = ("provider", "type", "email", "api_key")
SYSTEM_KEY_HELP = (
    "This server runs on a key of the platform, so only the platform's administrators can change "
    "its mailbox and its key."
)


class ServerForm(CustomerForm):
    """What every server's form does: keys follow the provider, and nobody reaches beyond their own keys."""

    provider_field: ClassVar[str] = "provider"
    made_at: ClassVar = {"api_key": "api-keys-create"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_portal and self.runs_on_system_key:
            self._close_access()

    @property
    def provider(self) -> str:
        """The provider chosen so far, or ""."""
        return str(self.chosen(self.provider_field) or "")

    @property
    def runs_on_system_key(self) -> bool:
        return bool(self.instance.pk) and self.instance.api_key.is_system

    def scope_choices(self) -> None:
        super().scope_choices()
        self._offer_providers()
        keys = ApiKey.objects.usable().of_provider(self.provider)
        own = keys.for_customer(self.owner) if self.is_portal and self.owner else None
        self.set_choices("api_key", keys.choices_for_backend(self.owner) if own is None else own)
        if self.is_portal and own is not None and not own.exists():
            before = "You have no usable key for this provider yet: "
            self.fields["api_key"].help_text = self.make_first("api_key", before, "add one first")

    def _offer_providers(self) -> None:
        """Only what is switched on may be chosen; what a server has already, it keeps."""
        stored = getattr(self.instance, self.provider_field) if self.instance.pk else ""
        self.limit_choices(self.provider_field, {*self.allowed_providers(), *filter(None, [stored])})

    def allowed_providers(self) -> list[str]:
        settings = SystemSettings.load()
        return [name for name in PROVIDERS if settings.is_provider_enabled(name)]

    def _close_access(self) -> None:
        for name in ACCESS_FIELDS:
            if name in self.fields:
                self.fields[name].disabled = True
        self.set_choices("api_key", ApiKey.objects.filter(pk=self.instance.api_key_id))
        self.fields["api_key"].help_text = SYSTEM_KEY_HELP

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        key = values.get("api_key")
        if key is None:
            return values
        if self.provider and key.provider != self.provider:
            self.add_error(
                "api_key", f"This is a {key.get_provider_display()} key. Choose one of the provider."
            )
        if not key.may_serve(self.owner.pk if self.owner else None):
            self.add_error("api_key", "This key belongs to another customer.")
        return values

    def save(self, commit: bool = True) -> Any:
        """Another mailbox or key is another connection: the old test's result does not hold for it."""
        if self.instance.pk and {*ACCESS_FIELDS} & {*self.changed_data}:
            self.instance.connected_at = None
            self.instance.steps = []
        return super().save(commit)


class ReadingServerForm(ServerForm):
    """The form of a server that reads: it names its provider itself."""

    redraws = ("provider", "customer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].label = "API Key"
        self.fields["email"].help_text = "The mailbox that is read."
        kind = PROVIDERS.get(self.provider)
        if kind:
            field = self.fields["delete_processed"]
            field.label = "Delete processed mail"
            field.help_text = f"Only mail that was acted on; the rest stays as it was. {kind.delete_note}"
        self._offer_first_reading()

    def _offer_first_reading(self) -> None:
        """What lies in the mailbox already; a choice made later looks at it anew."""
        words = Watch.FirstRead(DEFAULT_FIRST_READ[self._meta.model.purpose]).label
        usual = "Go on reading" if self.instance.pk else f"As usual: {words[0].lower()}{words[1:]}"
        field = self.fields["first_read"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", usual), *Watch.FirstRead.choices]
        unread = self.instance.mailbox.unread_at_connection if self.instance.pk else None
        held = f" It held {unread} unread when it was connected." if unread else ""
        field.help_text = f"What becomes of mail that lies in the mailbox already.{held}"
        self.fields["first_read_from"].widget = forms.DateInput(attrs={"type": "date"})
        self.fields["first_read_from"].help_text = "Only for “Start from a date”."


class DeliveryServerForm(ServerForm):
    """A delivery server: the labels follow its type."""

    provider_field = "type"
    redraws = ("type", "customer")
    groups = (("Quotas", ("hourly_quota", "daily_quota")),)

    class Meta:
        model = DeliveryServer
        fields = (
            "customer",
            "name",
            "type",
            "email",
            "api_key",
            "from_name",
            "status",
            "hourly_quota",
            "daily_quota",
            "locked",
        )
        labels: ClassVar = {
            "api_key": "API Key",
            "from_name": "From Name",
            "hourly_quota": "Hourly Quota",
            "daily_quota": "Daily Quota",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = PROVIDERS.get(self.provider)
        if kind:
            self.fields["email"].label = kind.email_label
        self.fields["email"].help_text = "The address to send from; it must have an active mailbox."

    @property
    def provider(self) -> str:
        chosen = str(self.chosen("type") or "")
        known = {kind.server_type for kind in PROVIDERS.values()}
        return provider_of_server_type(chosen) if chosen in known else ""

    def allowed_providers(self) -> list[str]:
        return allowed_server_types(self.owner if self.is_portal else None)
