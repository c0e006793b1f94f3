"""Promise 3: every model belongs to a customer, or is on the short list of those that do not."""

import pytest
from django.apps import apps
from django.db.models import PROTECT

from accounts.tenancy import CustomerOrSystem, CustomerOwned, CustomerQuerySet
from tests.factories import make_customer, make_key, make_list, make_user

OURS = {
    "accounts", "keys", "audience", "mailboxes", "servers", "campaigns", "bounces", "monitors", "operations",
}  # fmt: skip

# Rows that are nobody's, or belong to a customer through the row they hang on (named behind them).
SHARED = {
    "accounts.CustomerGroup": "the platform's",
    "accounts.Customer": "the customer itself",
    "accounts.User": "has a customer of its own kind: null means staff",
    "accounts.SecondFactor": "User",
    "accounts.BrowserSession": "User",
    "accounts.SystemSettings": "the platform's",
    "keys.ExpiryWarning": "ApiKey",
    "mailboxes.Mailbox": "read once, whoever's servers share it",
    "mailboxes.Watch": "Mailbox",
    "mailboxes.ProcessedMessage": "Mailbox; customers see MessageMatch",
    "mailboxes.SyncRun": "Mailbox",
    "servers.QuotaUse": "DeliveryServer",
    "campaigns.Attachment": "Campaign",
    "campaigns.Attempt": "Delivery",
    "campaigns.TrackedLink": "Campaign",
    "bounces.BounceSource": "ProcessedMessage; shown through Bounce",
    "bounces.BouncePolicy": "CustomerGroup",
    "bounces.BouncePhrase": "the platform's",
    "monitors.Condition": "Monitor",
    "operations.Cycle": "the platform's",
    "operations.PhaseItem": "Cycle",
    "operations.Tally": "the platform's",
}


def our_models():
    return [m for m in apps.get_models() if m._meta.app_label in OURS and not m._meta.auto_created]


@pytest.mark.parametrize("model", our_models(), ids=lambda m: m._meta.label)
def test_a_model_is_owned_or_on_the_shared_list(model):
    owned = issubclass(model, CustomerOwned | CustomerOrSystem)
    assert owned != (model._meta.label in SHARED)
    if owned:
        assert isinstance(model._default_manager.all(), CustomerQuerySet)
        assert model._meta.get_field("customer").remote_field.on_delete is PROTECT


@pytest.mark.django_db
def test_for_customer_gives_own_rows_only_and_refuses_nobody():
    acme, rival = make_customer("Acme"), make_customer("Rival")
    own, _ = make_list(acme), make_list(rival)
    lists = type(own).objects
    assert list(lists.for_customer(acme)) == [own]
    assert list(lists.for_user(make_user(acme))) == [own]
    assert lists.for_user(make_user()).count() == 2
    with pytest.raises(ValueError, match="needs a customer"):
        lists.for_customer(None)


@pytest.mark.django_db
def test_a_system_key_serves_everybody_and_a_customers_key_only_its_own():
    acme, rival = make_customer("Acme"), make_customer("Rival")
    system, own = make_key(), make_key(acme)
    assert system.may_serve(acme.pk)
    assert system.may_serve(None)
    assert own.may_serve(acme.pk)
    assert not own.may_serve(rival.pk)
    assert not own.may_serve(None)
    keys = type(own).objects
    assert set(keys.choices_for_backend(acme)) == {system, own}
    assert set(keys.choices_for_backend(None)) == {system}
