"""What a new customer is led through, one step after the other."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.auditing import audit
from campaigns.trying import TEST_SENT
from operations.first_steps import first_steps
from tests import factories
from tests.portal.conftest import sign_in


@pytest.fixture
def newcomer(system):
    return factories.make_customer("Newcomer")


def done(customer, system) -> dict[str, bool]:
    return {step.title: step.is_done for step in first_steps(customer, system)}


def test_the_steps_lead_from_a_key_to_a_campaign_and_none_is_done_at_first(newcomer, system):
    assert done(newcomer, system) == dict.fromkeys(
        [
            "Add an API key",
            "Verify the key",
            "Connect a delivery server",
            "Fill a mailing list",
            "Send yourself a test",
            "Connect an API bounce server",
            "Watch replies with an API monitor",
            "Send a campaign",
        ],
        False,
    )


def test_a_key_is_to_be_verified_where_it_was_added(newcomer, system):
    key = factories.make_key(newcomer)
    add, verify, *_ = first_steps(newcomer, system)
    assert (add.is_done, verify.is_done) == (True, False)
    assert verify.url == reverse("api-keys-edit", args=[key.pk])
    key.record_success(timezone.now())
    assert done(newcomer, system)["Verify the key"]


def test_a_test_counts_before_anything_is_sent(newcomer, system):
    campaign = factories.make_campaign(factories.make_list(newcomer), status="draft")
    assert not done(newcomer, system)["Send yourself a test"]
    audit(factories.make_user(newcomer), TEST_SENT, campaign)
    assert done(newcomer, system)["Send yourself a test"]
    assert not done(newcomer, system)["Send a campaign"]


def test_what_is_not_the_customers_to_do_is_no_step(newcomer, system):
    system.default_max_monitors = 0
    system.save()
    assert "Watch replies with an API monitor" not in done(newcomer, system)
    system.customer_keys_enabled = False
    system.save()
    assert list(done(newcomer, system)) == ["Fill a mailing list", "Send yourself a test", "Send a campaign"]


def test_every_step_leads_to_a_page_that_opens(newcomer, system):
    owner = sign_in(factories.make_user(newcomer))
    for allowed in (True, False):
        system.customer_keys_enabled = allowed
        system.save()
        assert {owner.get(step.url).status_code for step in first_steps(newcomer, system)} == {200}


def test_each_provider_step_has_the_providers_own_setup_beside_it(newcomer, system):
    page = sign_in(factories.make_user(newcomer)).get(reverse("dashboard")).content.decode()
    for fragment in ("s1", "s3"):
        assert f"{reverse('setup-microsoft')}#{fragment}" in page
        assert f"{reverse('setup-google')}#{fragment}" in page
        setup = sign_in(factories.make_user(newcomer)).get(reverse("setup-google")).content.decode()
        assert f'id="{fragment}"' in setup
