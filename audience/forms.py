"""Forms of mailing lists, subscribers, the blacklist and campaign groups."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from audience.models import BlacklistEntry, CampaignGroup, MailingList, Subscriber
from pages.forms import CustomerForm

MOST_FIELDS = 50
LONGEST_NAME, LONGEST_VALUE = 50, 2000
# What a person may give a new subscriber; the other states come about.
STARTING = (Subscriber.Status.CONFIRMED, Subscriber.Status.UNCONFIRMED, Subscriber.Status.UNSUBSCRIBED)


class FieldValues(forms.CharField):
    """A subscriber's values for the tags of campaigns, one “NAME: value” a line."""

    widget = forms.Textarea(
        attrs={"rows": 4, "class": "code", "placeholder": "FNAME: Ada", "spellcheck": "false"}
    )

    def prepare_value(self, value: Any) -> Any:
        return write_values(value) if isinstance(value, dict) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(write_values(initial or {}), data)

    def clean(self, value: Any) -> Any:
        return read_values(super().clean(value))


def write_values(values: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in values.items())


def read_values(text: str) -> dict[str, str]:
    """The values in `text`. Raises ValidationError that names the line."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        name = name.strip().upper()
        if not colon or not name.replace("_", "").isalnum():
            raise ValidationError(f"Line {number} cannot be read. Write NAME: value, one a line.")
        if len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            raise ValidationError(f"Line {number} is too long.")
        values[name] = value.strip()
    if len(values) > MOST_FIELDS:
        raise ValidationError(f"At most {MOST_FIELDS} values fit.")
    return values


class MailingListForm(CustomerForm):
    """A mailing list."""

    class Meta:
        model = MailingList
        fields = ("customer", "name")


class CampaignGroupForm(CustomerForm):
    """A campaign group."""

    class Meta:
        model = CampaignGroup
        fields = ("customer", "name")


class SubscriberForm(CustomerForm):
    """An address on a list. Afterwards its status changes by verbs alone, each with its cause."""

    made_at: ClassVar = {"list": "lists-create"}

    email = forms.CharField(max_length=320, validators=[validate_email], widget=forms.EmailInput)
    fields_text = FieldValues(
        label="Values",
        required=False,
        help_text="One “NAME: value” a line; [NAME] stands for it in campaigns.",
    )

    class Meta:
        model = Subscriber
        fields = ("list", "email", "status")
        labels: ClassVar = {"list": "Mailing list"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fields_text"].initial = self.instance.fields
        field = self.fields["status"]
        assert isinstance(field, forms.ChoiceField)
        if self.instance.pk:
            self.fields["list"].disabled = True
            del self.fields["status"]
        else:
            field.choices = [(status.value, status.label) for status in STARTING]


class BlacklistForm(CustomerForm):
    """An address to which nothing is sent."""

    email = forms.CharField(max_length=320, validators=[validate_email], widget=forms.EmailInput)

    class Meta:
        model = BlacklistEntry
        fields = ("customer", "email", "reason")
