"""Mailboxes and their sync history in the portal."""

from mailboxes.models import Mailbox
from mailboxes.tables import MAILBOXES, mailboxes_of
from mailboxes.views import MailboxPage
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
    detail_template="mailboxes/mailbox.html",
    detail_view=MailboxPage,
)

urlpatterns = pages(SECTION)
