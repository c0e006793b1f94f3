"""One declared section per thing that customers manage: its list, its form, its CSV, its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Customer, User
from pages.access import LOCKED, own_rows
from pages.features import Feature
from pages.forms import CustomerForm
from pages.tables import Table

if TYPE_CHECKING:
    from pages.resources import CustomerResource


def server_lock(row: Any) -> str:
    """Why the customer may not change this row, or ""."""
    return LOCKED if getattr(row, "locked", False) else ""


# Called after the row was stored and its transaction has ended; may call a provider.
AfterSave = Callable[[HttpRequest, Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the portal. Its URL names are the slug, and the slug with `-create`, `-edit` and so on.

    `rows` narrows the model to what a customer sees (own rows where absent), `remove` deletes one row where
    more than that is to be done.
    """

    model: type[Model]
    slug: str
    table: Table
    title: str
    singular: str
    intro: str = ""
    help_template: str = ""
    feature: Feature | None = None
    form_class: type[CustomerForm] | None = None
    resource_class: type[CustomerResource] | None = None
    can_import: bool = True
    can_copy: bool = True
    rows: Callable[[Customer], QuerySet[Any]] | None = None
    save: Callable[[CustomerForm, User], Any] | None = None
    remove: Callable[[Any, User], None] | None = None
    after_save: AfterSave | None = None
    consequences: Callable[[QuerySet[Any]], list[str]] | None = None
    side_template: str = ""
    form_template: str = ""
    detail_template: str = ""
    detail_view: Any = None
    lock_reason: Callable[[Any], str] = server_lock
    why_not_create: Callable[[Customer], str] | None = None
    extra_links: tuple[tuple[str, str, str], ...] = ()

    def rows_for(self, customer: Customer) -> QuerySet[Any]:
        """What `customer` sees in this section."""
        return self.rows(customer) if self.rows else own_rows(self.model, customer)

    def url(self, page: str = "", pk: int | None = None) -> str:
        name = f"{self.slug}-{page}" if page else self.slug
        return reverse(name, kwargs={} if pk is None else {"pk": pk})

    def warnings(self, rows: QuerySet[Any]) -> list[str]:
        """What else stops when `rows` are deleted."""
        return self.consequences(rows) if self.consequences else []

    @property
    def can_create(self) -> bool:
        return self.form_class is not None
