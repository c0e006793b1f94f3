"""The form of campaigns."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from campaigns.checking import check_campaign
from campaigns.models import Campaign
from pages.forms import CustomerForm

TAG_HELP = (
    "Tags such as [FNAME] stand for a subscriber's values, [UNSUBSCRIBE_URL] for the way out, "
    "[DS_FROM_NAME] for the sender's name."
)


class HeadersField(forms.CharField):
    """Custom message headers, one “Name: value” a line."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return write_headers(value) if isinstance(value, dict) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(write_headers(initial or {}), data)

    def clean(self, value: Any) -> Any:
        return read_headers(super().clean(value))


def write_headers(headers: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def read_headers(text: str) -> dict[str, str]:
    """The headers in `text`. Raises ValidationError that names the line."""
    headers = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip()):
            raise ValidationError(f"Line {number} cannot be read. Write Name: value, one a line.")
        if line.strip():
            headers[name.strip()] = value.strip()
    return headers


def campaign_lock(campaign: Campaign) -> str:
    """Only a draft or a paused campaign may be changed."""
    if campaign.status in {Campaign.Status.READY, Campaign.Status.SENDING}:
        return "It is being sent. Pause it to change it."
    if campaign.status in {Campaign.Status.SENT, Campaign.Status.CANCELLED}:
        return "It has ended and stays as it was. Make a copy to send something like it."
    return ""


class CampaignForm(CustomerForm):
    """What is sent, to whom, through what and when. One that has begun must stay right as it is changed."""

    groups = (
        ("Message", ("subject", "from_name", "reply_to", "html", "plain", "headers")),
        ("Time", ("scheduled_at",)),
    )
    made_at: ClassVar = {"list": "lists-create", "delivery_servers": "delivery-servers-create"}

    headers = HeadersField(
        required=False,
        help_text="One “Name: value” a line. Microsoft takes at most 5 of its own per message.",
    )

    class Meta:
        model = Campaign
        fields = (
            "customer",
            "name",
            "list",
            "group",
            "delivery_servers",
            "subject",
            "from_name",
            "reply_to",
            "html",
            "plain",
            "headers",
            "scheduled_at",
        )
        labels: ClassVar = {
            "list": "Mailing list",
            "group": "Campaign group",
            "from_name": "From Name",
            "reply_to": "Reply to",
            "html": "HTML text",
            "plain": "Plain text",
            "scheduled_at": "Send at",
        }
        widgets: ClassVar = {
            "delivery_servers": forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
            "html": forms.Textarea(attrs={"rows": 12, "class": "code", "spellcheck": "true"}),
            "plain": forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "true"}),
            "scheduled_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }
        help_texts: ClassVar = {
            "html": TAG_HELP,
            "plain": "Left empty, it is made from the HTML text.",
            "from_name": "Empty: the delivery server's own.",
            "scheduled_at": "Empty: as soon as it is released. In your time zone.",
        }

    def clean_scheduled_at(self) -> Any:
        at = self.cleaned_data["scheduled_at"]
        if at and "scheduled_at" in self.changed_data and at <= timezone.now():
            raise ValidationError("That time has passed. Choose a later one, or none to send at once.")
        return at

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own, unknown to its stubs
        if self.errors or self.instance.status == Campaign.Status.DRAFT:
            return
        for problem in check_campaign(self.instance, list(self.cleaned_data["delivery_servers"])):
            self.add_error(problem.field if problem.field in self.fields else None, problem.text)

    def values_to_copy(self) -> dict[str, Any]:
        return super().values_to_copy() | {"scheduled_at": None}


class TestMessageForm(forms.Form):
    """Where a test message goes."""

    address = forms.EmailField(label="Send a test to", max_length=320)
