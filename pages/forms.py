"""Forms that both faces use: the admin chooses the customer, the portal sets and scopes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import Customer
from accounts.tenancy import CustomerQuerySet

FOREIGN = "This choice belongs to somebody else."


class CustomerForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """A form for a customer's row; with `customer` given it is the portal's.

    The portal's form has no customer field and no lock, and every choice offers the customer's own rows.
    In the admin (`customer` None) the choices follow the customer chosen in the form.
    """

    BACKEND_ONLY: ClassVar[tuple[str, ...]] = ("customer", "locked")
    # Fields whose change redraws the form, since other fields' choices follow from them.
    redraws: ClassVar[tuple[str, ...]] = ()
    # Fields of one heading, in the form's order; what is in none of them comes first, without one.
    groups: ClassVar[tuple[tuple[str, tuple[str, ...]], ...]] = ()
    # Where the portal makes what a field offers: the field's name and the URL's.
    made_at: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_portal = customer is not None
        if customer is not None:
            for name in self.BACKEND_ONLY:
                self.fields.pop(name, None)
            if _is_owned(self.instance):
                self.instance.customer = customer
        self.owner = customer or self._chosen_customer()
        self.scope_choices()
        if self.is_portal:
            self._explain_empty_choices()

    def _explain_empty_choices(self) -> None:
        """Say why a field that must be filled in offers nothing."""
        for name, field in self.fields.items():
            if not isinstance(field, forms.ModelChoiceField) or not field.required or field.help_text:
                continue
            if field.queryset is not None and not field.queryset.exists():
                field.help_text = self.make_first(name, "You have none to choose yet: ", "make one first")

    def make_first(self, name: str, before: str, words: str) -> str:
        """A sentence whose `words` lead to where what the field offers is made."""
        if name not in self.made_at:
            return f"{before}{words}."
        return format_html('{}<a href="{}">{}</a>.', before, reverse(self.made_at[name]), words)

    def _chosen_customer(self) -> Customer | None:
        chosen = self.chosen("customer")
        if isinstance(chosen, Customer) or "customer" not in self.fields:
            return chosen if isinstance(chosen, Customer) else getattr(self.instance, "customer", None)
        return Customer.objects.filter(pk=chosen).first() if str(chosen or "").isdigit() else None

    def chosen(self, name: str) -> Any:
        """What the field holds before validation: typed, proposed, or stored."""
        if self.is_bound and name in self.fields:
            return self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        if name in self.initial:
            return self.initial[name]
        return getattr(self.instance, name, None)

    def scope_choices(self) -> None:
        """Narrow every choice of rows to what the owner may choose."""
        scope_choices(self, self.owner)

    def clean(self) -> dict[str, Any]:
        """Refuse foreign rows once more, however they got past the choices."""
        values = super().clean() or self.cleaned_data
        for name, value in values.items():
            if name != "customer" and isinstance(value, Model) and _is_foreign(value, self.owner):
                self.add_error(name, FOREIGN)
        if self.is_portal and self.instance.pk and getattr(self.instance, "locked", False):
            raise ValidationError("This is locked by the platform.")
        return values

    def redrawn(self) -> CustomerForm:
        """The same form unvalidated, with what was typed so far and the choices that follow from it."""
        typed = {
            name: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name, field in self.fields.items()
        }
        return type(self)(
            initial=typed, instance=self.instance, customer=self.owner if self.is_portal else None
        )

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The form's fields under their headings."""
        grouped = {name for _, names in self.groups for name in names}
        plain = [field for field in self if field.name not in grouped]
        titled = [
            (title, [self[name] for name in names if name in self.fields]) for title, names in self.groups
        ]
        return [("", plain), *titled]

    def values_to_copy(self) -> dict[str, Any]:
        """What a copy of this row starts with."""
        values = {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}
        if values.get("name"):
            values["name"] = f"{values['name']} (copy)"
        return values

    def limit_choices(self, name: str, allowed: Collection[str]) -> None:
        """Offer only `allowed` values in the field `name`, the first of them unless another was chosen."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        choices = [(value, label) for value, label in choices_of(field) if value in allowed]
        field.choices = choices
        if choices and not self.chosen(name):
            self.initial[name] = choices[0][0]

    def set_choices(self, name: str, rows: QuerySet[Any]) -> None:
        """Offer `rows` in the field `name`, where the form has it."""
        field = self.fields.get(name)
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = rows


def choices_of(field: forms.ChoiceField) -> list[tuple[str, str]]:
    """A field's values with their labels; groups are not used here."""
    choices: Any = field.choices
    return [(str(value), str(label)) for value, label in choices]


def scope_choices(form: forms.BaseForm, owner: Customer | None) -> None:
    """Narrow every choice of rows in `form` to the owner's; a row without customer has none to choose."""
    for name, field in form.fields.items():
        if name == "customer" or not isinstance(field, forms.ModelChoiceField):
            continue
        rows = field.queryset
        if isinstance(rows, CustomerQuerySet):
            field.queryset = rows.for_customer(owner) if owner else rows.none()


def _is_owned(instance: Model) -> bool:
    return any(field.name == "customer" for field in instance._meta.concrete_fields)


def _is_foreign(row: Model, owner: Customer | None) -> bool:
    customer_id = getattr(row, "customer_id", None)
    return customer_id is not None and customer_id != (owner.pk if owner else None)


def flat_errors(errors: dict[str, list[str]], labels: dict[str, str]) -> list[str]:
    """Validation errors as sentences that name their field, as an import's preview shows them."""
    return [
        f"{labels.get(name, name)}: {text}" if name != "__all__" else text
        for name, texts in errors.items()
        for text in texts
    ]
