"""Problems are found when a campaign is saved, in words, with the fix."""

from __future__ import annotations

import pytest

from accounts.switches import set_provider_enabled
from campaigns.checking import check_campaign
from campaigns.models import Attachment
from tests.factories import (
    make_campaign,
    make_campaign_group,
    make_customer,
    make_delivery_server,
    make_list,
    make_subscriber,
)


@pytest.fixture
def acme(db):
    return make_customer()


@pytest.fixture
def server(acme):
    return make_delivery_server(acme)


@pytest.fixture
def campaign(acme):
    mailing_list = make_list(acme, name="Readers")
    make_subscriber(mailing_list, fields={"FNAME": "Ada"})
    return make_campaign(mailing_list)


def found(campaign, *servers):
    return [(problem.field, problem.text) for problem in check_campaign(campaign, servers)]


def test_a_good_campaign_has_no_problem(campaign, server):
    assert found(campaign, server) == []


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"subject": " "}, "subject", "The subject is empty"),
        ({"html": "", "plain": ""}, "html", "has no text"),
        ({"html": "<p>Hello</p>"}, "html", "no unsubscribe link"),
        ({"plain": "Hello"}, "plain", "no unsubscribe link"),
        ({"subject": "Hello [FIRSTNAME]"}, "subject", "“[FIRSTNAME]” would not be filled"),
        ({"from_name": "[NOBODY]"}, "from_name", "“[NOBODY]” would not be filled"),
        ({"headers": {"Subject": "x"}}, "headers", "begins with X-"),
        ({"headers": {"X-Apiconnect-Token": "x"}}, "headers", "reserved"),
    ],
)
def test_it_names_the_field_the_cause_and_the_fix(campaign, server, changes, field, words):
    for name, value in changes.items():
        setattr(campaign, name, value)

    problems = found(campaign, server)

    assert [name for name, _ in problems] == [field]
    assert words in problems[0][1]


def test_graph_carries_five_headers_and_gmail_more(campaign, acme, server):
    campaign.headers = {f"X-Own-{number}": "x" for number in range(6)}

    assert "Microsoft allows 5" in found(campaign, server)[0][1]
    assert found(campaign, make_delivery_server(acme, "google")) == []


def test_an_empty_list_is_refused(campaign, server):
    campaign.list.subscribers.update(status="unconfirmed")

    assert found(campaign, server) == [
        ("list", "“Readers” has no confirmed subscriber. Add subscribers or choose another list.")
    ]


def test_it_needs_a_server(campaign):
    assert found(campaign) == [("delivery_servers", "Choose at least one delivery server.")]


def test_another_customers_server_is_refused_without_its_name(campaign, server):
    foreign = make_delivery_server(make_customer("Rival"), name="Rival secret")

    problems = found(campaign, server, foreign)

    assert problems[0][0] == "delivery_servers"
    assert "another customer" in problems[0][1]
    assert "Rival secret" not in problems[0][1]


def test_another_customers_list_and_group_are_refused(campaign, server):
    rival = make_customer("Rival")
    campaign.list, campaign.group = make_list(rival), make_campaign_group(rival)

    assert [name for name, _ in found(campaign, server)] == ["subject", "html", "plain", "list", "group"] or [
        name for name, _ in found(campaign, server)
    ][-2:] == ["list", "group"]


def test_a_switched_off_provider_is_refused(campaign, server):
    set_provider_enabled("microsoft", False)

    assert "Microsoft, which is switched off" in found(campaign, server)[0][1]


def test_attachments_that_are_too_large_are_refused(campaign, server):
    Attachment.objects.create(campaign=campaign, filename="big.bin", content=bytes(30_000_000))

    assert found(campaign, server) == [
        (
            "attachments",
            "With its attachments a message has about 42 MB; Microsoft takes 37 MB. Use smaller files, or link to "
            "them.",
        )
    ]
