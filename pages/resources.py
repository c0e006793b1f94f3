"""CSV export and import of rows, by the same form that a person fills in (django-import-export)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from import_export.resources import ModelResource

from accounts.auditing import audit, snapshot
from accounts.models import Customer, User, new_uid
from pages.features import Feature
from pages.forms import CustomerForm, choices_of
from pages.limits import require_room
from pages.sections import server_lock
from pages.spreadsheets import escape_formula, unescape_formula

# Between several names in one cell.
SEVERAL = ";"
YES, NO = {"1", "yes", "true", "on", "y"}, {"0", "no", "false", "off", "n", ""}


# So many rows of a file are shown in its preview.
SHOWN_ROWS = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell of a file that differs from what is stored."""

    column: str
    before: str
    after: str


class CustomerResource(ModelResource):  # type: ignore[misc]  # django-import-export carries no types
    """Rows of one customer (portal), or of all with a `customer` column (admin, `customer` None).

    An import knows a row by its `uid`; a row without one is new. Every row passes through `form_class`,
    so an import can do nothing that the form could not.
    """

    form_class: ClassVar[type[CustomerForm] | None] = None
    # Column → form field, where they are named differently.
    form_fields: ClassVar[dict[str, str]] = {}
    feature: ClassVar[Feature | None] = None

    class Meta:
        skip_diff = True
        store_instance = True
        import_id_fields = ("uid",)

    def __init__(self, customer: Customer | None = None, actor: User | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.customer, self.actor = customer, actor
        self.made = self.compared = 0
        if customer is not None:
            self.fields.pop("customer", None)

    # Out

    def get_queryset(self) -> QuerySet[Any]:
        rows: Any = self._meta.model._default_manager.all()
        found: QuerySet[Any] = rows.for_customer(self.customer) if self.customer else rows
        return found

    def export_field(self, field: Any, instance: Model, **kwargs: Any) -> Any:
        return escape_formula(super().export_field(field, instance, **kwargs))

    def _get_ordered_field_names(self, order_field: str) -> tuple[str, ...]:
        return tuple(name for name in super()._get_ordered_field_names(order_field) if name in self.fields)

    # In

    @property
    def columns(self) -> list[str]:
        """The columns a file may have."""
        return [str(field.column_name) for field in self.get_import_fields() if not field.readonly]

    @property
    def passed_over(self) -> list[str]:
        """Columns that an export has and no file can change, so that an exported file comes back as it is."""
        return [str(field.column_name) for field in self.get_import_fields() if field.readonly]

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        if "uid" not in (dataset.headers or []):
            dataset.append_col([""] * len(dataset), header="uid")

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Model | None:
        """The row of this uid; raises where there is none of the customer's own."""
        uid = str(row.get("uid") or "")
        if not uid:
            return None
        found: Model | None = self.get_queryset().filter(uid=uid).first()
        if found is None:
            raise ValidationError(
                {"uid": f"You have none with the uid {uid!r}. Leave it empty for a new one."}
            )
        if reason := self.lock_reason(found):
            raise ValidationError(f"Take “{found}” out of the file. {reason}")
        return found

    def lock_reason(self, found: Any) -> str:
        """Why a stored row may not be changed by a file, or ""."""
        return server_lock(found) if self.customer else ""

    def import_instance(self, instance: Model, row: dict[str, Any], **kwargs: Any) -> None:
        """Put the row into `instance` through the form. Raises ValidationError."""
        assert self.form_class is not None
        self.before = snapshot(instance) if instance.pk else {}
        self.form = self.form_for(instance, row)
        if not self.form.is_valid():
            raise ValidationError(self.problems())
        if not instance.pk:
            instance.uid = new_uid()  # type: ignore[attr-defined]  # whatever is imported has one

    def problems(self) -> dict[str, list[str]]:
        """What the form says is wrong, by column."""
        columns = {field: column for column, field in self.form_fields.items()}
        found = self.form.errors.get_json_data()
        return {
            columns.get(name, name): [error["message"] for error in errors] for name, errors in found.items()
        }

    def form_for(self, instance: Model, row: dict[str, Any]) -> CustomerForm:
        """The form bound to what the row says, and for the rest to what is stored or the default."""
        assert self.form_class is not None
        owner = self.owner(instance, row)
        blank = self.form_class(instance=instance, customer=owner)
        data = {name: _stored(blank, name) for name in blank.fields}
        cells = {self.form_fields.get(name, name): str(text) for name, text in row.items() if name != "uid"}
        later = {name for name in cells if name != "customer" and is_choice_of_rows(blank.fields.get(name))}
        self._fill(blank, data, {name: text for name, text in cells.items() if name not in later})
        # Choices of rows follow from the other columns, such as the keys of a customer and provider.
        form = self.form_class(data=data, instance=instance, customer=owner)
        self._fill(form, data, {name: cells[name] for name in later})
        return form

    def owner(self, instance: Model, row: dict[str, Any]) -> Customer | None:
        """Whose row it is, where the form does not ask for it itself."""
        return self.customer

    def _fill(self, form: CustomerForm, data: dict[str, Any], cells: dict[str, str]) -> None:
        problems = {}
        for name, text in cells.items():
            if name not in form.fields:
                continue
            try:
                data[name] = self.typed(form.fields[name], text)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            raise ValidationError(problems)

    def typed(self, field: forms.Field, text: str) -> Any:
        """A cell as the form's field takes it: labels stand for choices, names or uids for rows."""
        if isinstance(field, forms.BooleanField):
            return _yes_or_no(text)
        if isinstance(field, forms.ModelMultipleChoiceField):
            assert field.queryset is not None
            names = [name.strip() for name in text.split(SEVERAL) if name.strip()]
            return [self.find(field.queryset, name).pk for name in names]
        if isinstance(field, forms.ModelChoiceField):
            assert field.queryset is not None
            return self.find(field.queryset, text).pk if text else None
        if isinstance(field, forms.ChoiceField):
            labels = {label.casefold(): value for value, label in choices_of(field)}
            value = labels.get(text.casefold(), text)
            # Said at once, before other cells are judged by it: a wrong type would make the right key unknown.
            if value and value not in labels.values():
                offered = ", ".join(str(one) for one in labels.values() if one)
                raise ValidationError(f"{text!r} is none of: {offered}.")
            return value
        return text

    def find(self, rows: QuerySet[Any], text: str) -> Model:
        """The row that a cell names. Raises ValidationError."""
        return find_by_name(rows, text)

    def skip_row(
        self, instance: Model, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        return bool(self.before) and not import_validation_errors and not self.form.has_changed()

    def save_instance(self, instance: Model, is_create: bool, row: dict[str, Any], **kwargs: Any) -> None:
        """A preview looks and does not write, so that it holds up nobody for long."""
        if self.customer and is_create:
            self.made += 1
            more = self.made if kwargs.get("dry_run") else 1
            require_room(self.feature, self.customer, self.get_queryset(), more)
        if not kwargs.get("dry_run"):
            super().save_instance(instance, is_create, row, **kwargs)

    def do_instance_save(self, instance: Model, is_create: bool) -> None:
        self.form.save()

    def after_import_row(self, row: dict[str, Any], row_result: Any, **kwargs: Any) -> None:
        """A preview shows, for the rows it lists, which cells differ from what is stored."""
        is_shown = kwargs.get("dry_run") and row_result.is_update() and self.compared < SHOWN_ROWS
        row_result.differences = self._differences(row) if is_shown else []

    def _differences(self, row: dict[str, Any]) -> list[Difference]:
        self.compared += 1
        # The form has put the cells into its own instance already.
        stored = self.get_queryset().get(pk=self.form.instance.pk)
        before = {
            str(field.column_name): str(unescape_formula(str(self.export_field(field, stored) or "")))
            for field in self.get_export_fields()
        }
        return [
            Difference(column, self._plain(column, before[column]), self._plain(column, str(cell)))
            for column, cell in row.items()
            if column in before and self._differs(column, before[column], str(cell))
        ]

    def _plain(self, column: str, text: str) -> str:
        field = self.form.fields.get(self.form_fields.get(column, column))
        return ("yes" if _yes_or_no(text) else "no") if isinstance(field, forms.BooleanField) else text

    def _differs(self, column: str, before: str, cell: str) -> bool:
        name = self.form_fields.get(column, column)
        return name in self.form.changed_data if name in self.form.fields else before != cell

    def after_save_instance(self, instance: Model, row: dict[str, Any], **kwargs: Any) -> None:
        audit(self.actor, "import", instance, before=self.before, after=snapshot(instance))


def is_choice_of_rows(field: forms.Field | None) -> bool:
    return isinstance(field, forms.ModelChoiceField)


def _stored(form: CustomerForm, name: str) -> Any:
    value = form.get_initial_for_field(form.fields[name], name)
    return form.fields[name].prepare_value(value)


def _yes_or_no(text: str) -> bool:
    if text.casefold() in YES:
        return True
    if text.casefold() in NO:
        return False
    raise ValidationError(f"Write yes or no, not {text!r}.")


def find_by_name(rows: QuerySet[Any], text: str) -> Model:
    """The one row with this uid or name. Raises ValidationError."""
    found = list(rows.filter(uid=text)[:1]) or list(rows.filter(name=text)[:2])
    if not found:
        raise ValidationError(f"There is none with the name or uid {text!r} to choose.")
    if len(found) > 1:
        raise ValidationError(f"There are several with the name {text!r}: write the uid of the one you mean.")
    row: Model = found[0]
    return row
