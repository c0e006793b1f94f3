"""An admin lowers a server's pace on its page; a customer's form does not have the field."""

import pytest

from accounts.models import SystemSettings
from tests.factories import make_admin, make_customer, make_delivery_server, make_user

pytestmark = pytest.mark.django_db


def test_the_backend_offers_messages_per_minute_and_the_portal_does_not(client):
    SystemSettings(customer_keys_enabled=True).save()
    server = make_delivery_server(make_customer())
    client.force_login(make_admin())
    page = client.get(f"/admin/servers/deliveryserver/{server.pk}/change/").content.decode()
    assert 'name="sends_per_minute"' in page
    client.force_login(make_user(server.customer))
    assert 'name="sends_per_minute"' not in client.get(f"/delivery-servers/{server.pk}/").content.decode()
