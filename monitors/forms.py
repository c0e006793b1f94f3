"""The form of monitors with its ordered rows of conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Customer
from monitors.models import BACKEND_ACTIONS, LIST_ACTIONS, Action, Condition, Monitor
from pages.forms import CustomerForm, choices_of, flat_errors
from servers.forms import ReadingServerForm

PREFIX = "conditions"
MOST_CONDITIONS = 100


class ConditionForm(CustomerForm):
    """One condition. Only a customer's monitor may move, copy or stop, and only into what is theirs."""

    class Meta:
        model = Condition
        fields = ("where", "match", "value", "action", "target_list", "target_group", "match_case")
        labels: ClassVar = {
            "match_case": "Match case",
            "target_list": "To list",
            "target_group": "Campaign group",
        }

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, customer=customer, **kwargs)
        if customer is not None:
            # The row's own rules ask whose monitor it is, before there is one.
            self.instance.monitor = Monitor(customer=customer)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)
        if self.owner is None:
            field.choices = [(action.value, action.label) for action in BACKEND_ACTIONS]
        self.fields["value"].help_text = "* stands for any text."
        action = self.chosen("action")
        self._need("target_list", action in LIST_ACTIONS, "Choose the list to move or copy to.")
        self._need("target_group", action == Action.STOP_CAMPAIGN_GROUP, "Choose the campaign group to stop.")

    def _need(self, name: str, is_needed: bool, refusal: str) -> None:
        """A target is asked for by the actions that have one, and by no other."""
        if not is_needed:
            del self.fields[name]
            return
        self.fields[name].required = True
        self.fields[name].error_messages["required"] = refusal


class BackendConditionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A condition in the backend: what only customers may choose is shown where they chose it, and not offered."""

    class Meta:
        model = Condition
        fields = (
            "position",
            "where",
            "match",
            "value",
            "match_case",
            "action",
            "target_list",
            "target_group",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)
        offered = {"", *BACKEND_ACTIONS, self.instance.action}
        field.choices = [(value, label) for value, label in choices_of(field) if value in offered]
        # The theme's rows have headings and no labels.
        for one in self.fields.values():
            # What adds buttons to a choice of rows wraps the widget that is drawn.
            drawn: Any = getattr(one.widget, "widget", one.widget)
            drawn.attrs["aria-label"] = str(one.label)


class ConditionRows(forms.BaseFormSet):  # type: ignore[type-arg]  # not generic at run time
    """The rows in their order; the row number is the position."""

    def clean(self) -> None:
        if not any(self.errors) and not self.forms:
            raise ValidationError("Add at least one condition: without one a monitor does nothing.")


ConditionFormSet = forms.formset_factory(
    ConditionForm, formset=ConditionRows, extra=0, max_num=MOST_CONDITIONS, validate_max=True
)


class MonitorForm(ReadingServerForm):
    """A monitor without its conditions (the admin has them as an inline)."""

    class Meta:
        model = Monitor
        fields = (
            "customer",
            "name",
            "provider",
            "email",
            "api_key",
            "identify_by",
            "skip_automatic",
            "delete_processed",
            "processed_folder",
            "first_read",
            "first_read_from",
            "status",
            "locked",
        )


class MonitorWithConditionsForm(MonitorForm):
    """A monitor and its conditions, saved together or not at all."""

    redraws = ("provider", "action")

    def __init__(self, *args: Any, rows: list[dict[str, Any]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options: Any = {"prefix": PREFIX, "form_kwargs": {"customer": self.owner}}
        if self.is_bound:
            self.conditions = ConditionFormSet(self.data, **options)
        else:
            self.conditions = ConditionFormSet(
                initial=self._stored_rows() if rows is None else rows, **options
            )

    def _stored_rows(self) -> list[dict[str, Any]]:
        names = ("where", "match", "value", "match_case", "action", "target_list", "target_group")
        if self.instance.pk:
            return list(self.instance.conditions.values(*names))
        rows: list[dict[str, Any]] = self.initial.get(PREFIX) or [{"action": Action.UNSUBSCRIBE}]
        return rows

    def values_to_copy(self) -> dict[str, Any]:
        return super().values_to_copy() | {PREFIX: self._stored_rows()}

    def is_valid(self) -> bool:
        # Both are looked at, so that every mistake shows at once.
        return all([super().is_valid(), self.conditions.is_valid()])

    def has_changed(self) -> bool:
        return super().has_changed() or self._written_rows() != self._stored_rows()

    def _written_rows(self) -> list[dict[str, Any]]:
        names = ("where", "match", "value", "match_case", "action")
        targets = ("target_list", "target_group")
        return [
            {name: getattr(row.instance, name) for name in names}
            | {name: getattr(row.instance, f"{name}_id") for name in targets}
            for row in self.conditions
        ]

    def redrawn(self) -> MonitorWithConditionsForm:
        plain = super().redrawn()
        rows = change_rows(typed_rows(self.conditions), self.data.get("row_action", ""))
        return type(self)(
            initial=plain.initial,
            instance=self.instance,
            customer=self.owner if self.is_portal else None,
            rows=rows,
        )

    def mistakes(self) -> list[str]:
        """What is wrong, in sentences, as a page shows them that has not the form itself."""
        own = _sentences(self, {name: str(field.label or name) for name, field in self.fields.items()})
        of_rows = [
            text
            for number, row in enumerate(self.conditions, 1)
            for text in _sentences(row, dict.fromkeys(row.fields, f"Condition {number}"))
        ]
        return [*own, *map(str, self.conditions.non_form_errors()), *of_rows]

    def unsaved_conditions(self) -> list[Condition]:
        """The valid rows as conditions of the valid monitor, none of them stored."""
        for position, row in enumerate(self.conditions):
            row.instance.monitor, row.instance.position = self.instance, position
        return [row.instance for row in self.conditions]

    def save(self, commit: bool = True) -> Monitor:
        with transaction.atomic():
            monitor: Monitor = super().save(commit)
            monitor.conditions.all().delete()
            for position, row in enumerate(self.conditions):
                row.instance.pk, row.instance.monitor, row.instance.position = None, monitor, position
                row.instance.save(force_insert=True)
        return monitor


def _sentences(form: forms.BaseForm, labels: dict[str, str]) -> list[str]:
    return flat_errors({name: [str(text) for text in texts] for name, texts in form.errors.items()}, labels)


def typed_rows(rows: Any) -> list[dict[str, Any]]:
    """What was typed into each row, unvalidated."""
    found = []
    for index in range(rows.total_form_count()):
        prefix = rows.add_prefix(index)
        found.append(
            {
                name: field.widget.value_from_datadict(rows.data, {}, f"{prefix}-{name}")
                for name, field in ConditionForm.base_fields.items()
            }
        )
    return found


def change_rows(rows: Sequence[dict[str, Any]], row_action: str) -> list[dict[str, Any]]:
    """The rows after “add”, “remove-2”, “up-2”, “down-2” or “move-2-0”; anything else leaves them alone."""
    verb, *numbers = row_action.split("-")
    rows = list(rows)
    if verb == "add" and len(rows) < MOST_CONDITIONS:
        return [*rows, {"action": Action.UNSUBSCRIBE}]
    places = [int(number) for number in numbers if number.isdigit() and int(number) < len(rows)]
    if not places or len(places) != len(numbers):
        return rows
    at = places[0]
    target = {"up": max(at - 1, 0), "down": at + 1, "move": places[-1]}.get(verb)
    if target is None and verb != "remove":
        return rows
    row = rows.pop(at)
    if target is not None:
        rows.insert(target, row)
    return rows
