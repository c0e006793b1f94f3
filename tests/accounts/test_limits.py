"""Effective limits, and where each number comes from."""

import pytest

from accounts.limits import Kind, allowed_server_types, effective_limit
from accounts.models import SystemSettings
from accounts.switches import set_provider_enabled
from tests.factories import make_customer, make_group

pytestmark = pytest.mark.django_db


def test_a_group_overrides_the_system_default_and_says_so():
    customer = make_customer(group=make_group(name="Standard", max_monitors=5))
    assert str(effective_limit(customer, Kind.MONITORS)) == "5 (customer group “Standard”)"
    assert str(effective_limit(customer, Kind.BOUNCE_SERVERS)) == "unlimited (system default)"


def test_a_group_may_switch_a_feature_off_that_the_system_allows():
    limit = effective_limit(make_customer(group=make_group(max_monitors=0)), Kind.MONITORS)
    assert limit.is_off
    assert not limit.allows(0)


@pytest.mark.parametrize(("value", "used", "allowed"), [(-1, 10_000, True), (2, 1, True), (2, 2, False)])
def test_a_limit_allows_one_more_or_not(value, used, allowed):
    limit = effective_limit(make_customer(group=make_group(max_monitors=value)), Kind.MONITORS)
    assert limit.allows(used) is allowed


def test_disabling_a_provider_takes_its_type_from_every_group_and_enabling_gives_it_back():
    group = make_group()
    assert set_provider_enabled("google", False) == 1
    group.refresh_from_db()
    assert group.allowed_server_types == ["microsoft-graph-api"]
    assert allowed_server_types(make_customer(group=group)) == ["microsoft-graph-api"]
    assert set_provider_enabled("google", True) == 1
    group.refresh_from_db()
    assert "gmail-api" in group.allowed_server_types


def test_both_providers_are_on_at_first_install():
    settings = SystemSettings.load()
    assert settings.enabled
    assert settings.microsoft_enabled
    assert settings.google_enabled
    assert not settings.customer_keys_enabled
