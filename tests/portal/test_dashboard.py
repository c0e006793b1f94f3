"""The customer's dashboard: rates over time, and that all is well."""

from __future__ import annotations

from datetime import date, timedelta

from django.urls import reverse

from operations.dashboards import DAYS, Numbers


def numbers(**counts: list[int]) -> Numbers:
    days = [date(2026, 11, 1) + timedelta(days=number) for number in range(DAYS)]
    nothing = [0] * DAYS
    return Numbers(
        days, **{name: counts.get(name, nothing) for name in ("sent", "bounced", "complaints", "acted_on")}
    )


def test_the_bounce_rate_looks_back_a_week():
    sent, bounced = [0] * DAYS, [0] * DAYS
    sent[10], bounced[12], bounced[20] = 200, 3, 1
    rate = numbers(sent=sent, bounced=bounced).weekly(bounced)
    assert rate[11:18] == [0, 1.5, 1.5, 1.5, 1.5, 1.5, 0]
    assert rate[20] == 0


def test_rates_are_told_in_words():
    sent, bounced, complaints = [0] * DAYS, [0] * DAYS, [0] * DAYS
    sent[-1], bounced[-1], complaints[-1] = 40, 1, 2
    chart = numbers(sent=sent, bounced=bounced, complaints=complaints).rates()
    assert "2.5 % bounced and 5.0 % complaints in the last week" in chart.summary


def test_it_says_so_where_nothing_needs_attention(acme, owner):
    owner.post(reverse("first-steps"), {"skip": "1"})
    page = owner.get(reverse("dashboard")).content.decode()
    assert "Nothing needs your attention" in page
    acme.rows["monitors"].record_trouble("Access is denied.", "")
    page = owner.get(reverse("dashboard")).content.decode()
    assert "Nothing needs your attention" not in page
    assert "Access is denied." in page


def test_a_provider_that_is_switched_off_is_said_with_the_servers_that_stand_still(acme, owner, system):
    owner.post(reverse("first-steps"), {"skip": "1"})
    system.microsoft_enabled = False
    system.save()
    page = owner.get(reverse("dashboard")).content.decode()
    assert "Microsoft is switched off" in page
    assert f"“{acme.rows['delivery-servers'].name}”" in page
    assert "Nothing needs your attention" not in page


def test_nothing_is_well_while_the_platform_is_switched_off(acme, owner, system):
    owner.post(reverse("first-steps"), {"skip": "1"})
    system.enabled = False
    system.save()
    assert "Nothing needs your attention" not in owner.get(reverse("dashboard")).content.decode()


def test_thousands_are_set_apart_everywhere(acme, owner):
    server = acme.rows["delivery-servers"]
    server.daily_quota = 9000
    server.save()
    for page in ("dashboard", "delivery-servers"):
        assert "0 of 9,000" in owner.get(reverse(page)).content.decode()
