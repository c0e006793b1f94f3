"""CSV files of subscribers, the blacklist and the journal."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone
from import_export.fields import Field

from audience import changes
from audience.changes import Cause
from audience.forms import BlacklistForm, SubscriberForm, write_values
from audience.models import BlacklistEntry, Change, MailingList, Subscriber
from audience.tables import blacklist_reason
from mail.addresses import normalize_address
from pages.forms import CustomerForm
from pages.resources import CustomerResource, find_by_name


class SubscriberResource(CustomerResource):
    """Subscribers by list and address. An import never raises anybody's status, and is journalled as one."""

    form_class = SubscriberForm
    form_fields: ClassVar = {"values": "fields_text"}

    list_name = Field(column_name="list", attribute="list__name")
    values = Field(column_name="values")

    class Meta(CustomerResource.Meta):
        model = Subscriber
        fields: ClassVar = ("uid", "list_name", "email", "status", "values")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batch = uuid.uuid4()

    def dehydrate_values(self, subscriber: Subscriber) -> str:
        return write_values(subscriber.fields)

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Model | None:
        if row.get("uid") or not (row.get("list") and row.get("email")):
            return super().get_instance(instance_loader, row)
        lists = MailingList.objects.all()
        lists = lists.for_customer(self.customer) if self.customer else lists
        mailing_list = find_by_name(lists, str(row["list"]))
        found: Model | None = (
            self.get_queryset()
            .filter(list=mailing_list, email_key=normalize_address(str(row["email"])))
            .first()
        )
        return found

    def form_for(self, instance: Model, row: dict[str, Any]) -> CustomerForm:
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
        return status

    def skip_row(
        self, instance: Model, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        assert isinstance(instance, Subscriber)
        same = self.status == instance.standing
        return same and super().skip_row(instance, original, row, import_validation_errors)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        values = self.form.cleaned_data
        cause = Cause(Change.Cause.IMPORT, text="CSV import", actor=self.actor, batch=self.batch)
        mailing_list = values["list"]
        changes.subscribe(
            mailing_list, values["email"], values["fields_text"], self.status, cause, timezone.now()
        )

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """The journal has it already, row by row."""


class BlacklistResource(CustomerResource):
    """The blacklist by address; an import adds to the customer's own entries."""

    form_class = BlacklistForm

    reason = Field(column_name="reason", attribute="reason")

    class Meta(CustomerResource.Meta):
        model = BlacklistEntry
        import_id_fields = ("email",)
        fields: ClassVar = ("email", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batch = uuid.uuid4()

    def dehydrate_reason(self, entry: BlacklistEntry) -> str:
        return blacklist_reason(entry) if self.customer else entry.reason

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        if "email" not in (dataset.headers or []):
            raise ValidationError("The column email is missing.")

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Model | None:
        found: Model | None = (
            self.get_queryset().filter(email_key=normalize_address(str(row.get("email") or ""))).first()
        )
        return found

    def skip_row(
        self, instance: Model, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        return bool(self.before) and not import_validation_errors

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        reason = self.form.cleaned_data["reason"] or "CSV import"
        cause = Cause(Change.Cause.IMPORT, text=reason, actor=self.actor, batch=self.batch)
        changes.blacklist(self.form.cleaned_data["email"], self.customer, cause, timezone.now())

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """The journal has it already, row by row."""


class ChangeResource(CustomerResource):
    """The journal, for reading only."""

    class Meta(CustomerResource.Meta):
        model = Change
        import_id_fields = ("id",)
        fields: ClassVar = ("id", "at", "email", "action", "cause_kind", "cause_text", "undone_at")
