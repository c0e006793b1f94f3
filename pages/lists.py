"""A section's list page and its CSV export."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.limits import effective_limit
from pages.access import PortalPage, own_row
from pages.filtering import PER_PAGE, KeysetPage, filters_for, keyset_page, search
from pages.rendering import table_for
from pages.resources import CustomerResource
from pages.sections import Section

CONTROLS = {"q", "sort", "page", "before", "after"}
# More than this is no file for a spreadsheet; narrower filters export the rest.
EXPORT_ROWS = 100_000


class SectionPage(PortalPage):
    """A page of a section; its feature is the section's."""

    section: Section = None  # type: ignore[assignment]  # given in the URL table

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.feature = self.section.feature

    def rows(self) -> QuerySet[Any]:
        return self.section.rows_for(self.customer)

    def require_unlocked(self, row: Any) -> None:
        """Raise PermissionDenied where somebody else keeps this row from changing."""
        if reason := self.section.lock_reason(row):
            raise PermissionDenied(reason)

    def found(self) -> tuple[QuerySet[Any], Any]:
        """The rows that search and filters of the URL leave, and the filter set with its form."""
        table, query = self.section.table, self.request.GET
        filters = filters_for(self.section.model, table, query, self.rows(), self.customer)
        rows = filters.qs if filters.form.is_valid() else self.rows().none()
        return search(rows, table.search, query.get("q", "")), filters

    def usage(self) -> str:
        """“3 of 5 used” where the section has a limit."""
        kind = self.section.feature.kind if self.section.feature else None
        if kind is None:
            return ""
        limit, used = effective_limit(self.customer, kind), self.rows().count()
        return f"{used} used, no limit" if limit.is_unlimited else f"{used} of {limit.value} used"


class ListPage(SectionPage):
    """Search, filter, sort, page; from here to everything one can do with the rows."""

    template = "pages/list.html"

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return render(request, self.template, self.context())

    def context(self) -> dict[str, Any]:
        request = self.request
        rows, filters = self.found()
        return self.paged(rows) | {
            "section": self.section,
            "title": self.section.title,
            "filters": filters.form,
            "query": request.GET.get("q", ""),
            "is_narrowed": any(value for key, value in request.GET.items() if key not in CONTROLS - {"q"}),
            "may_write": self.user.may_write,
            "usage": self.usage(),
            "why_not": self.why_not_create(),
        }

    def why_not_create(self) -> str:
        why = self.section.why_not_create
        return why(self.customer) if why else ""

    def paged(self, rows: QuerySet[Any]) -> dict[str, Any]:
        """The table of one page, with what its pager needs."""
        table, query = self.section.table, self.request.GET
        if table.is_log:
            page = keyset_page(table.rows(rows), before=query.get("before", ""), after=query.get("after", ""))
            return {"table": self.table(page.rows), "pager": self.keyset_pager(page), "count": None}
        ordered = rows.order_by(*table.order_by) if table.order_by else rows
        shown = self.table(table.rows(ordered), query.get("sort", ""))
        try:
            shown.paginate(page=query.get("page", 1), per_page=PER_PAGE)
        except InvalidPage:
            shown.paginate(page=1, per_page=PER_PAGE)
        return {"table": shown, "pager": None, "count": shown.paginator.count}

    def table(self, rows: Any, sort: str = "") -> Any:
        return table_for(self.section, rows, may_write=self.user.may_write, sort=sort)

    def keyset_pager(self, page: KeysetPage) -> dict[str, str]:
        return {"newer": self.link(after=page.newer), "older": self.link(before=page.older)}

    def link(self, **where: int | None) -> str:
        """This list's URL at another place of the log, filters kept; empty where there is none."""
        name, pk = next(iter(where.items()))
        if pk is None:
            return ""
        query = self.request.GET.copy()
        for control in ("before", "after"):
            query.pop(control, None)
        query[name] = str(pk)
        return f"?{query.urlencode()}"


class DetailPage(SectionPage):
    """One row of a log, to be read."""

    def context(self, row: Any) -> dict[str, Any]:
        return {"section": self.section, "row": row, "title": str(row), "may_write": self.user.may_write}

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = own_row(self.section.table.rows(self.rows()), pk)
        return render(request, self.section.detail_template, self.context(row))


class ExportPage(SectionPage):
    """The rows that the list's search and filters leave, as CSV that no spreadsheet runs."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        assert self.section.resource_class is not None
        rows, _filters = self.found()
        resource: CustomerResource = self.section.resource_class(customer=self.customer, actor=self.user)
        dataset = resource.export(self.section.table.rows(rows).order_by("-pk")[:EXPORT_ROWS])
        name = f"{self.section.slug}-{timezone.localdate():%Y-%m-%d}.csv"
        return HttpResponse(
            dataset.export("csv"),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
