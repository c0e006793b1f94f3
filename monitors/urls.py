"""API monitors and their hits in the portal."""

from django.urls import path

from monitors.forms import MonitorWithConditionsForm
from monitors.models import Monitor, MonitorHit
from monitors.resources import MonitorHitResource, MonitorResource
from monitors.tables import MONITOR_HITS, MONITORS
from monitors.views import MonitorPage, PreviewPage, TryPage
from pages import features
from pages.routes import pages
from pages.sections import Section
from servers.tables import mailboxes_left_alone
from servers.views import ConnectPage, connect_and_tell, why_not_create_server

SECTION = Section(
    model=Monitor,
    slug="monitors",
    title="API monitors",
    singular="API monitor",
    intro="Mailboxes whose mail acts on your subscribers. The first condition that matches a message decides.",
    feature=features.MONITORS,
    table=MONITORS,
    form_class=MonitorWithConditionsForm,
    resource_class=MonitorResource,
    consequences=mailboxes_left_alone,
    after_save=connect_and_tell,
    why_not_create=why_not_create_server,
    form_template="monitors/form_fields.html",
    side_template="monitors/side.html",
)
HITS = Section(
    model=MonitorHit,
    slug="monitor-hits",
    title="Monitor hits",
    singular="monitor hit",
    intro="What your monitors did with each message that matched.",
    table=MONITOR_HITS,
    resource_class=MonitorHitResource,
    can_import=False,
    detail_template="monitors/hit.html",
)

urlpatterns = [
    path("monitors/<int:pk>/", MonitorPage.as_view(section=SECTION), name="monitors-edit"),
    *pages(SECTION),
    path("monitors/<int:pk>/connect/", ConnectPage.as_view(section=SECTION), name="monitors-connect"),
    path("monitors/<int:pk>/preview/", PreviewPage.as_view(section=SECTION), name="monitors-preview"),
    path("monitors/try/", TryPage.as_view(section=SECTION), name="monitors-try"),
    path("monitors/<int:pk>/try/", TryPage.as_view(section=SECTION), name="monitors-try-changes"),
    *pages(HITS),
]
