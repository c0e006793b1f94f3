"""Mailboxes and their sync history in the portal."""

from django.urls import path

from mailboxes import views
from mailboxes.models import Mailbox, MessageMatch, ProcessedMessage
from mailboxes.resources import MatchedResource, UnmatchedResource
from mailboxes.tables import MAILBOXES, MATCHED, UNMATCHED, mailboxes_of
from pages.routes import pages
from pages.sections import Section

SECTION = Section(
    model=Mailbox,
    slug="mailboxes",
    title="Mailboxes",
    singular="mailbox",
    intro="What was read from the mailboxes your servers are connected to.",
    table=MAILBOXES,
    rows=mailboxes_of,
)
MATCHED_MESSAGES = Section(
    model=MessageMatch,
    slug="matched-messages",
    title="Matched messages",
    singular="message",
    table=MATCHED,
    resource_class=MatchedResource,
)
UNMATCHED_MESSAGES = Section(
    model=ProcessedMessage,
    slug="unmatched-messages",
    title="Unmatched messages",
    singular="message",
    table=UNMATCHED,
    resource_class=UnmatchedResource,
)

urlpatterns = [
    *pages(SECTION),
    path("mailboxes/<int:pk>/", views.MatchedPage.as_view(section=MATCHED_MESSAGES), name="mailboxes-edit"),
    path(
        "mailboxes/<int:pk>/export/",
        views.MatchedExport.as_view(section=MATCHED_MESSAGES),
        name="mailboxes-matched-export",
    ),
    path(
        "mailboxes/<int:pk>/unmatched/",
        views.UnmatchedPage.as_view(section=UNMATCHED_MESSAGES),
        name="mailboxes-unmatched",
    ),
    path(
        "mailboxes/<int:pk>/unmatched/export/",
        views.UnmatchedExport.as_view(section=UNMATCHED_MESSAGES),
        name="mailboxes-unmatched-export",
    ),
    path(
        "mailboxes/<int:pk>/readings/", views.ReadingsPage.as_view(section=SECTION), name="mailboxes-readings"
    ),
]
