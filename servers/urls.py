"""Delivery servers in the portal."""

from django.urls import path

from pages import features
from pages.routes import pages
from pages.sections import Section
from servers.forms import DeliveryServerForm
from servers.models import DeliveryServer
from servers.resources import DeliveryServerResource
from servers.tables import DELIVERY_SERVERS, campaigns_left_without
from servers.views import ConnectPage, connect_and_tell, why_not_create_server

SECTION = Section(
    model=DeliveryServer,
    slug="delivery-servers",
    title="Delivery servers",
    singular="delivery server",
    intro="Mailboxes that send your campaigns through the Microsoft Graph API or the Gmail API.",
    feature=features.DELIVERY_SERVERS,
    table=DELIVERY_SERVERS,
    form_class=DeliveryServerForm,
    resource_class=DeliveryServerResource,
    consequences=campaigns_left_without,
    after_save=connect_and_tell,
    why_not_create=why_not_create_server,
    side_template="servers/connection.html",
)

urlpatterns = [
    *pages(SECTION),
    path(
        "delivery-servers/<int:pk>/connect/",
        ConnectPage.as_view(section=SECTION),
        name="delivery-servers-connect",
    ),
]
