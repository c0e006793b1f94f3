"""What holds for every page: security headers, nothing inline, names for controls, a constant number of queries."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import factories
from tests.portal.conftest import sign_in
from tests.portal.test_isolation import PORTAL, url_of

LISTS = (
    "delivery-servers",
    "bounce-servers",
    "monitors",
    "api-keys",
    "lists",
    "subscribers",
    "campaigns",
    "deliveries",
)


class Scan(HTMLParser):
    """Collects what the content security policy would block, and controls nobody could name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.labels: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in {"script", "link"} and not (found.get("src") or found.get("href") or "").startswith(
            "/static/"
        ):
            self.problems.append(f"<{tag}> that is not one of our files: {found}")
        if tag == "style" or "style" in found:
            self.problems.append(f"inline style in <{tag}>")
        self.problems += [
            f"{name} in <{tag}>" for name in found if name.startswith("on") or name.startswith("hx-on")
        ]
        if tag == "label" and found.get("for"):
            self.labels.add(found["for"])
        if tag in {"input", "select", "textarea"} and found.get("type") != "hidden" and "hidden" not in found:
            self.controls.append(found)
        if found.get("id"):
            self.ids.append(found["id"])

    def unnamed(self) -> list[dict[str, str | None]]:
        return [c for c in self.controls if not c.get("aria-label") and c.get("id") not in self.labels]


def test_no_page_holds_anything_inline_and_every_control_has_a_name(acme, owner):
    for name, arguments in PORTAL:
        if name == "campaigns-frame":  # the customer's own HTML, shut in by a policy of its own
            continue
        response = owner.get(url_of(name, arguments, acme))
        if not response.headers["Content-Type"].startswith("text/html") or response.status_code != 200:
            continue
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, name
        assert "script-src 'self'" in policy
        scan = Scan(response.content.decode())
        assert scan.problems == [], name
        assert scan.unnamed() == [], name
        assert len(scan.ids) == len(set(scan.ids)), (name, "an id is there twice")


def test_the_mail_of_a_preview_can_run_nothing(acme, owner):
    campaign = acme.rows["campaigns"]
    campaign.html = "<script>alert(1)</script><p>Hello</p>"
    campaign.save()
    response = owner.get(reverse("campaigns-frame", args=[campaign.pk]))
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    page = owner.get(reverse("campaigns-preview", args=[campaign.pk])).content.decode()
    assert 'sandbox=""' in page
    assert "alert(1)" not in page


def add_rows(acme, count: int) -> None:
    customer, key = acme.customer, acme.rows["api-keys"]
    mailing_list, campaign = acme.rows["lists"], acme.rows["campaigns"]
    for _ in range(count):
        factories.make_key(customer)
        factories.make_list(customer)
        factories.make_delivery_server(customer, api_key=key, daily_quota=5)
        factories.make_bounce_server(customer, api_key=key)
        factories.make_monitor(customer, api_key=key, conditions=({"value": "x", "action": "delete"},))
        factories.make_campaign(mailing_list)
        factories.make_delivery(campaign, factories.make_subscriber(mailing_list))


def test_every_list_takes_the_same_number_of_queries_however_long_it_is(acme, owner):
    counts: dict[int, dict[str, int]] = {}
    add_rows(acme, 5)
    for size in (5, 10):
        counts[size] = {}
        for slug in LISTS:
            with CaptureQueriesContext(connection) as captured:
                owner.get(reverse(slug))
            counts[size][slug] = len(captured)
        add_rows(acme, 5)
    assert counts[5] == counts[10]
    assert max(counts[5].values()) <= 16


def test_the_query_count_of_the_dashboard_does_not_grow(acme, owner):
    add_rows(acme, 1)
    with CaptureQueriesContext(connection) as before:
        owner.get(reverse("dashboard"))
    add_rows(acme, 5)
    with CaptureQueriesContext(connection) as after:
        owner.get(reverse("dashboard"))
    assert len(before) == len(after)


def test_search_and_filters_live_in_the_url(acme, owner):
    factories.make_list(acme.customer, name="Zebra news")
    page = owner.get(reverse("lists"), {"q": "zebra"}).content.decode()
    assert "Zebra news" in page
    assert acme.rows["lists"].name not in page
    assert 'value="zebra"' in page
    nothing = owner.get(reverse("lists"), {"q": "qqq"}).content.decode()
    assert "Nothing matches" in nothing


def test_a_log_is_paged_by_its_key_both_ways(acme, owner):
    mailing_list = factories.make_list(acme.customer)
    rows = [factories.make_subscriber(mailing_list) for _ in range(60)]
    newest = owner.get(reverse("subscribers")).content.decode()
    assert rows[-1].email in newest
    second = owner.get(reverse("subscribers"), {"before": rows[-25].pk}).content.decode()
    assert rows[-26].email in second
    assert rows[-1].email not in second
    back = owner.get(reverse("subscribers"), {"after": rows[-26].pk}).content.decode()
    assert rows[-1].email in back
    assert owner.get(reverse("subscribers"), {"before": "x' OR 1"}).status_code == 200


@pytest.mark.parametrize(
    "query", [{"status": "nonsense"}, {"page": "9999"}, {"sort": "-password"}, {"list": "7x"}]
)
def test_a_mangled_url_is_no_error(acme, owner, query):
    for slug in ("subscribers", "delivery-servers", "campaigns"):
        assert owner.get(reverse(slug), query).status_code == 200


def test_an_empty_account_says_what_to_do_next(system):
    client = sign_in(factories.make_user(factories.make_customer("New")))
    dashboard = client.get(reverse("dashboard")).content.decode()
    assert "First steps" in dashboard
    assert "Add an API key" in dashboard
    assert "No API bounce servers yet" in client.get(reverse("bounce-servers")).content.decode()


def test_times_are_shown_in_the_customers_time_zone(acme, owner):
    acme.customer.timezone = "Asia/Tokyo"
    acme.customer.save()
    assert "JST" in owner.get(reverse("deliveries")).content.decode()
    change = acme.rows["journal"]
    why = owner.get(reverse("subscribers-edit", args=[change.subscriber_id])).content.decode()
    assert "JST: " in why or "JST (" in why
    assert "UTC" not in why


def test_a_sorted_list_has_one_order_for_rows_that_are_alike(acme, owner):
    made = [factories.make_list(acme.customer, name="The same").pk for _ in range(60)]
    pages = [
        owner.get(reverse("lists"), {"sort": "name", "page": page}).content.decode() for page in (1, 2, 3)
    ]
    shown = [int(number) for page in pages for number in re.findall(r'row-link" href="/lists/(\d+)/', page)]
    assert [number for number in shown if number in made] == made[::-1]
