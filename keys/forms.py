"""The form of API keys: type first, then that provider's own fields; secrets go in and never come out."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import SystemSettings
from keys.keyinput import read_credentials, store_credentials
from keys.models import ApiKey
from pages.forms import CustomerForm
from providers.credentials import CredentialField
from providers.registry import PROVIDERS

KEEP = "Leave empty to keep the stored one."


class ApiKeyForm(CustomerForm):
    """A key's name and credentials; what is needed follows from the provider's own description."""

    redraws = ("provider",)

    class Meta:
        model = ApiKey
        fields = ("provider", "customer", "name", "expires_at", "status")
        labels: ClassVar = {"provider": "Type", "name": "Key Name", "expires_at": "Expires on"}
        widgets: ClassVar = {"expires_at": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "customer" in self.fields:
            field = self.fields["customer"]
            assert isinstance(field, forms.ModelChoiceField)
            field.empty_label = "System Key"
        self._limit_status()
        if self.instance.pk:
            self.fields["provider"].disabled = True
        else:
            self._offer_providers()
        for described in self.credential_fields():
            self.fields[described.name] = self._input_for(described)
        self.order_fields(["provider", "customer", "name", *self.credential_names()])

    def _offer_providers(self) -> None:
        settings = SystemSettings.load()
        self.limit_choices("provider", [name for name in PROVIDERS if settings.is_provider_enabled(name)])

    def _limit_status(self) -> None:
        """Failing is found out, not chosen."""
        if self.instance.status == ApiKey.Status.FAILING:
            self.initial["status"] = ApiKey.Status.ACTIVE
        self.limit_choices("status", [ApiKey.Status.ACTIVE, ApiKey.Status.DISABLED])

    @property
    def provider(self) -> str:
        return self.instance.provider if self.instance.pk else str(self.chosen("provider") or "")

    def credential_fields(self) -> tuple[CredentialField, ...]:
        """What the chosen provider asks for; nothing before one is chosen."""
        kind = PROVIDERS.get(self.provider)
        return kind.credential_fields if kind else ()

    def credential_names(self) -> list[str]:
        return [described.name for described in self.credential_fields()]

    def _input_for(self, described: CredentialField) -> forms.CharField:
        stored = bool(self.instance.pk)
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        if described.is_multiline:
            widget: forms.Widget = forms.Textarea(attrs={**attrs, "rows": 8, "class": "code"})
        elif described.is_secret:
            widget = forms.PasswordInput(attrs={**attrs, "autocomplete": "new-password"})
        else:
            widget = forms.TextInput(attrs=attrs)
        keeps = stored and described.is_secret
        field = forms.CharField(
            label=described.label,
            help_text=f"{described.help_text} {KEEP}" if keeps else described.help_text,
            required=described.is_required and not keeps,
            widget=widget,
            max_length=100_000,
            strip=True,
        )
        if stored and not described.is_secret:
            field.initial = self.instance.readable_credentials.get(described.name, "")
        return field

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        typed = {name: values[name] for name in self.credential_names() if values.get(name)}
        self.credentials: dict[str, str] | None = None
        missing = {*self.errors} & {*self.credential_names()}
        if missing or (self.instance.pk and not self._replaces_credentials(typed)):
            return values
        try:
            self.credentials = read_credentials(self.provider, self._merged(typed))
        except KeyError:
            self.add_error("provider", "Choose the type of the key.")
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                self.add_error(name if name in self.fields else None, messages)
        return values

    def _replaces_credentials(self, typed: dict[str, str]) -> bool:
        stored = self.instance.readable_credentials
        return any(stored.get(name) != value for name, value in typed.items())

    def _merged(self, typed: dict[str, str]) -> dict[str, str]:
        """What was typed over what is stored; a whole key file brings its own address along."""
        if not self.instance.pk:
            return typed
        stored = self.instance.readable_credentials
        secrets = {described.name for described in self.credential_fields() if described.is_secret}
        if any(typed.get(name, "").startswith("{") for name in secrets):
            typed = {name: value for name, value in typed.items() if stored.get(name) != value}
            stored = {}
        return {**stored, **typed}

    def values_to_copy(self) -> dict[str, Any]:
        secrets = {described.name for described in self.credential_fields() if described.is_secret}
        return {name: value for name, value in super().values_to_copy().items() if name not in secrets}

    def save(self, commit: bool = True) -> Any:
        if self.credentials is not None:
            store_credentials(self.instance, self.credentials)
        return super().save(commit)


class VerifyForm(forms.Form):
    """The mailbox a key is tried on."""

    email = forms.EmailField(
        label="Mailbox to try", max_length=320, help_text="Nothing is sent and nothing in it is changed."
    )
