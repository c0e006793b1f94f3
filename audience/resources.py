"""CSV files of subscribers, the blacklist and the journal."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils import timezone
from import_export.fields import Field

from accounts.models import Customer
from audience import changes
from audience.changes import Cause
from audience.forms import BlacklistForm, CampaignGroupForm, MailingListForm, SubscriberForm, write_values
from audience.models import BlacklistEntry, CampaignGroup, Change, MailingList, Subscriber
from audience.tables import blacklist_reason
from mail.addresses import normalize_address
from pages.forms import CustomerForm
from pages.resources import CustomerResource, find_by_name


def named_customer(row: dict[str, Any]) -> Customer:
    """The customer that an admin's file names by uid or name. Raises ValidationError."""
    found = find_by_name(Customer.objects.all(), str(row.get("customer") or ""))
    assert isinstance(found, Customer)
    return found


class AudienceResource(CustomerResource):
    """What files of the audience share: a cause for all of their rows, and a customer column for admins."""

    customer_name = Field(column_name="customer", attribute="customer__uid")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batch = uuid.uuid4()
        if self.customer is not None:
            self.fields.pop("customer_name", None)

    def cause(self, text: str) -> Cause:
        return Cause(Change.Cause.IMPORT, text=text, actor=self.actor, batch=self.batch)

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """The journal has it already, row by row."""


class SubscriberResource(AudienceResource):
    """Subscribers by list and address. An import never raises anybody's status, and is journalled as one."""

    form_class = SubscriberForm
    form_fields: ClassVar = {"values": "fields_text"}

    list_name = Field(column_name="list", attribute="list__name")
    values = Field(column_name="values")

    class Meta(CustomerResource.Meta):
        model = Subscriber
        fields: ClassVar = ("uid", "customer_name", "list_name", "email", "status", "values")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lists: dict[tuple[int, str], Model] = {}

    def owner(self, instance: Model, row: dict[str, Any]) -> Customer | None:
        if self.customer is not None:
            return self.customer
        return instance.customer if isinstance(instance, Subscriber) and instance.pk else named_customer(row)

    def find_list(self, owner: Customer, text: str) -> Model:
        """The list of a row: files name the same few again and again."""
        key = (owner.pk, text)
        if key not in self.lists:
            self.lists[key] = find_by_name(MailingList.objects.for_customer(owner), text)
        return self.lists[key]

    def dehydrate_values(self, subscriber: Subscriber) -> str:
        return write_values(subscriber.fields)

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Model | None:
        if row.get("uid") or not (row.get("list") and row.get("email")):
            return super().get_instance(instance_loader, row)
        owner = self.owner(Subscriber(), row)
        assert owner is not None
        mailing_list = self.find_list(owner, str(row["list"]))
        found: Model | None = (
            self.get_queryset()
            .filter(list=mailing_list, email_key=normalize_address(str(row["email"])))
            .first()
        )
        return found

    def find(self, rows: QuerySet[Any], text: str) -> Model:
        if self.form_owner is None:
            return super().find(rows, text)
        return self.find_list(self.form_owner, text)

    def form_for(self, instance: Model, row: dict[str, Any]) -> CustomerForm:
        self.form_owner = self.owner(instance, row)
        self.status = self._status(instance, str(row.get("status") or ""))
        return super().form_for(instance, {**row, "status": self.status})

    def _status(self, instance: Model, text: str) -> str:
        """The status as its value; where the file says none, what the subscriber has, or confirmed."""
        assert isinstance(instance, Subscriber)
        if not text:
            return instance.standing if instance.pk else Subscriber.Status.CONFIRMED
        labels = {label.casefold(): value for value, label in Subscriber.Status.choices}
        status = labels.get(text.casefold(), text)
        if status not in Subscriber.Status.values:
            raise ValidationError(
                {"status": f"{text!r} is no status: {', '.join(Subscriber.Status.values)}."}
            )
        # An export says “blacklisted” of whoever is; brought back, it changes nothing beneath.
        return instance.standing if instance.pk and status == instance.status else status

    def skip_row(
        self, instance: Model, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        assert isinstance(instance, Subscriber)
        same = self.status == instance.standing
        return same and super().skip_row(instance, original, row, import_validation_errors)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        values = self.form.cleaned_data
        changes.subscribe(
            values["list"],
            values["email"],
            values["fields_text"],
            self.status,
            self.cause("CSV import"),
            timezone.now(),
        )


class BlacklistResource(AudienceResource):
    """The blacklist by address; an import adds to a customer's own entries, an admin's also to those for all."""

    form_class = BlacklistForm

    reason = Field(column_name="reason", attribute="reason")

    class Meta(CustomerResource.Meta):
        model = BlacklistEntry
        import_id_fields = ("email",)
        fields: ClassVar = ("customer_name", "email", "reason")

    def dehydrate_reason(self, entry: BlacklistEntry) -> str:
        return blacklist_reason(entry) if self.customer else entry.reason

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        if "email" not in (dataset.headers or []):
            raise ValidationError("The column email is missing.")

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Model | None:
        entries = self.get_queryset()
        if self.customer is None:
            owner = named_customer(row) if row.get("customer") else None
            entries = entries.filter(customer=owner)
        email_key = normalize_address(str(row.get("email") or ""))
        found: Model | None = entries.filter(email_key=email_key).first()
        return found

    def skip_row(
        self, instance: Model, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        return bool(self.before) and not import_validation_errors

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        values = self.form.cleaned_data
        cause = self.cause(values["reason"] or "CSV import")
        changes.blacklist(values["email"], self.form.owner, cause, timezone.now())


class MailingListResource(CustomerResource):
    """Mailing lists by name."""

    form_class = MailingListForm

    class Meta(CustomerResource.Meta):
        model = MailingList
        fields: ClassVar = ("uid", "name")


class CampaignGroupResource(CustomerResource):
    """Campaign groups by name."""

    form_class = CampaignGroupForm

    class Meta(CustomerResource.Meta):
        model = CampaignGroup
        fields: ClassVar = ("uid", "name")


class ChangeResource(CustomerResource):
    """The journal, for reading only."""

    class Meta(CustomerResource.Meta):
        model = Change
        import_id_fields = ("id",)
        fields: ClassVar = ("id", "at", "email", "action", "cause_kind", "cause_text", "undone_at")
