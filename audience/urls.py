"""Mailing lists, subscribers, blacklist, campaign groups and the journal in the portal."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import path

from accounts.models import Customer
from audience import editing, tables
from audience.blacklisting import ONLY_BACKEND
from audience.forms import BlacklistForm, CampaignGroupForm, MailingListForm, SubscriberForm
from audience.models import BlacklistEntry, CampaignGroup, Change, MailingList, Subscriber
from audience.resources import (
    BlacklistResource,
    CampaignGroupResource,
    ChangeResource,
    MailingListResource,
    SubscriberResource,
)
from audience.views import ChangeStatusPage, SubscriberPage, UndoPage
from pages.routes import pages
from pages.sections import Section


def entries_seen_by(customer: Customer) -> QuerySet[Any]:
    """Own entries, and shared ones that concern an address the customer has: no list of other's addresses."""
    own_addresses = Subscriber.objects.for_customer(customer).filter(email_key=OuterRef("email_key"))
    return BlacklistEntry.objects.covering(customer).filter(Q(customer=customer) | Exists(own_addresses))


def entry_lock(entry: Any) -> str:
    return "" if entry.customer_id else f"This address is {ONLY_BACKEND}."


def lists_warnings(rows: QuerySet[Any]) -> list[str]:
    return [
        f"{row.subscribers.count():,} subscribers of “{row.name}” are deleted with it." for row in rows[:20]
    ]


LISTS = Section(
    model=MailingList,
    slug="lists",
    title="Mailing lists",
    singular="mailing list",
    table=tables.LISTS,
    form_class=MailingListForm,
    resource_class=MailingListResource,
    remove=editing.remove_list,
    consequences=lists_warnings,
    can_copy=False,
)
SUBSCRIBERS = Section(
    model=Subscriber,
    slug="subscribers",
    title="Subscribers",
    singular="subscriber",
    table=tables.SUBSCRIBERS,
    form_class=SubscriberForm,
    resource_class=SubscriberResource,
    save=editing.save_subscriber,
    remove=editing.remove_subscriber,
    side_template="audience/subscriber.html",
    can_copy=False,
)
BLACKLIST = Section(
    model=BlacklistEntry,
    slug="blacklist",
    title="Blacklist",
    singular="blacklist entry",
    intro="Nothing is sent to these addresses.",
    table=tables.BLACKLIST,
    form_class=BlacklistForm,
    resource_class=BlacklistResource,
    rows=entries_seen_by,
    save=editing.save_blacklist_entry,
    remove=editing.remove_entry,
    lock_reason=entry_lock,
    can_copy=False,
)
GROUPS = Section(
    model=CampaignGroup,
    slug="campaign-groups",
    title="Campaign groups",
    singular="campaign group",
    intro="Campaigns that belong together: a subscriber can be stopped from all of them at once.",
    table=tables.GROUPS,
    form_class=CampaignGroupForm,
    resource_class=CampaignGroupResource,
    can_copy=False,
)
JOURNAL = Section(
    model=Change,
    slug="journal",
    title="Journal",
    singular="change",
    intro="Every change to a subscriber with its cause. What is ticked can be undone.",
    table=tables.JOURNAL,
    resource_class=ChangeResource,
    can_import=False,
)

urlpatterns = [
    *pages(LISTS),
    path("subscribers/<int:pk>/", SubscriberPage.as_view(section=SUBSCRIBERS), name="subscribers-edit"),
    path(
        "subscribers/<int:pk>/status/",
        ChangeStatusPage.as_view(section=SUBSCRIBERS),
        name="subscribers-status",
    ),
    *pages(SUBSCRIBERS),
    *pages(BLACKLIST),
    *pages(GROUPS),
    *pages(JOURNAL),
    path("journal/<int:pk>/undo/", UndoPage.as_view(section=JOURNAL), name="journal-undo"),
]
