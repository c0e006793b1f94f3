"""API bounce servers and the bounce log in the portal."""

from django.urls import path

from bounces.forms import BounceServerForm
from bounces.models import Bounce, BounceServer
from bounces.resources import BounceResource, BounceServerResource
from bounces.tables import BOUNCE_SERVERS, BOUNCES
from pages import features
from pages.routes import pages
from pages.sections import Section
from servers.tables import mailboxes_left_alone
from servers.views import ConnectPage, connect_and_tell, why_not_create_server

SERVERS = Section(
    model=BounceServer,
    slug="bounce-servers",
    title="API bounce servers",
    singular="API bounce server",
    intro="Mailboxes that are read for bounces and complaints every ten minutes, inbox and junk.",
    feature=features.BOUNCE_SERVERS,
    table=BOUNCE_SERVERS,
    form_class=BounceServerForm,
    resource_class=BounceServerResource,
    consequences=mailboxes_left_alone,
    after_save=connect_and_tell,
    why_not_create=why_not_create_server,
    side_template="servers/connection.html",
)
LOG = Section(
    model=Bounce,
    slug="bounces",
    title="Bounces",
    singular="bounce",
    intro="Bounces and complaints that belong to your deliveries, with what each of them did.",
    table=BOUNCES,
    resource_class=BounceResource,
    can_import=False,
    detail_template="bounces/bounce.html",
)

urlpatterns = [
    *pages(SERVERS),
    path(
        "bounce-servers/<int:pk>/connect/",
        ConnectPage.as_view(section=SERVERS),
        name="bounce-servers-connect",
    ),
    *pages(LOG),
]
