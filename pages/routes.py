"""URLs of a section, declared in one call."""

from __future__ import annotations

from django.urls import URLPattern, path

from pages.bulk import BulkPage
from pages.editing import CopyPage, CreatePage, DeletePage, EditPage
from pages.importing import ImportPage
from pages.lists import DetailPage, ExportPage, ListPage
from pages.sections import Section


def pages(section: Section) -> list[URLPattern]:
    """List, create, edit, copy, delete, bulk, import and export: those that the section declares."""
    slug = section.slug
    found = [path(f"{slug}/", ListPage.as_view(section=section), name=slug)]
    if section.form_class:
        found += [
            path(f"{slug}/create/", CreatePage.as_view(section=section), name=f"{slug}-create"),
            path(f"{slug}/<int:pk>/", EditPage.as_view(section=section), name=f"{slug}-edit"),
            path(f"{slug}/<int:pk>/delete/", DeletePage.as_view(section=section), name=f"{slug}-delete"),
        ]
        if section.can_copy:
            found.append(
                path(f"{slug}/<int:pk>/copy/", CopyPage.as_view(section=section), name=f"{slug}-copy")
            )
    if section.detail_template:
        view = section.detail_view or DetailPage
        found.append(path(f"{slug}/<int:pk>/", view.as_view(section=section), name=f"{slug}-edit"))
    if section.table.actions:
        found.append(path(f"{slug}/bulk/", BulkPage.as_view(section=section), name=f"{slug}-bulk"))
    if section.resource_class:
        found.append(path(f"{slug}/export/", ExportPage.as_view(section=section), name=f"{slug}-export"))
        if section.can_import:
            found.append(path(f"{slug}/import/", ImportPage.as_view(section=section), name=f"{slug}-import"))
    return found
