"""Monitors: ordered conditions, all seven actions, targets of one's own, and a preview that changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from monitors.models import Action, Monitor, MonitorHit
from tests import factories


@pytest.fixture(autouse=True)
def _sandbox(system, sandbox_world):
    return sandbox_world


def data_for(acme, *rows, **changes):
    data = {
        "name": "Watch",
        "provider": "microsoft",
        "email": "watch@acme.example",
        "api_key": acme.rows["api-keys"].pk,
        "identify_by": "uid_or_email",
        "status": "active",
        "conditions-TOTAL_FORMS": len(rows),
        "conditions-INITIAL_FORMS": 0,
        **changes,
    }
    for number, row in enumerate(rows):
        filled = {"where": "any", "match": "contains", "value": f"word {number}", **row}
        data |= {f"conditions-{number}-{name}": value for name, value in filled.items()}
    return data


def test_all_seven_actions_are_stored_in_their_order(acme, owner):
    targets = {
        Action.MOVE_TO_LIST: {"target_list": acme.rows["lists"].pk},
        Action.COPY_TO_LIST: {"target_list": acme.rows["lists"].pk},
        Action.STOP_CAMPAIGN_GROUP: {"target_group": acme.rows["campaign-groups"].pk},
    }
    rows = [{"action": action.value, **targets.get(action, {})} for action in Action]
    owner.post(reverse("monitors-create"), data_for(acme, *rows))
    stored = Monitor.objects.get(name="Watch").conditions.all()
    assert [condition.action for condition in stored] == [action.value for action in Action]
    assert [condition.position for condition in stored] == list(range(7))


def test_a_monitor_needs_a_condition(acme, owner):
    page = owner.post(reverse("monitors-create"), data_for(acme)).content.decode()
    assert "Add at least one condition" in page
    assert not Monitor.objects.filter(name="Watch").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"action": "move_to_list"}, "Choose the list to move or copy to."),
        ({"action": "stop_campaign_group"}, "Choose the campaign group to stop."),
        ({"action": "unsubscribe", "match": "regex", "value": "("}, "cannot be used"),
        ({"action": "unsubscribe", "value": ""}, "required"),
        ({"action": "explode"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_condition_stands_at_its_row(acme, owner, row, message):
    page = owner.post(reverse("monitors-create"), data_for(acme, {"action": "delete"}, row)).content.decode()
    assert message in page
    assert 'value="word 0"' in page
    assert not Monitor.objects.filter(name="Watch").exists()


def test_a_foreign_list_is_no_target(acme, rival, owner):
    row = {"action": "move_to_list", "target_list": rival.rows["lists"].pk}
    page = owner.post(reverse("monitors-create"), data_for(acme, row)).content.decode()
    assert "Select a valid choice" in page


ROWS = ({"action": "delete", "value": "first"}, {"action": "delete", "value": "second"})


def values(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('-value" value="')[1:]]


@pytest.mark.parametrize(
    ("row_action", "expected"),
    [
        ("down-0", ["second", "first"]),
        ("up-1", ["second", "first"]),
        ("up-0", ["first", "second"]),
        ("remove-0", ["second"]),
        ("remove-9", ["first", "second"]),
        ("move-1-0", ["second", "first"]),
        ("move-1-x", ["first", "second"]),
        ("explode-0", ["first", "second"]),
        ("nonsense", ["first", "second"]),
    ],
)
def test_rows_move_and_go_without_a_save(acme, owner, row_action, expected):
    data = data_for(acme, *ROWS, row_action=row_action)
    page = owner.post(reverse("monitors-create"), data).content.decode()
    assert [value for value in values(page) if value in {"first", "second"}] == expected
    assert not Monitor.objects.filter(name="Watch").exists()


def test_a_row_is_added_and_asks_for_its_target_once_it_needs_one(acme, owner):
    data = data_for(acme, {"action": "move_to_list"}, row_action="add")
    page = owner.post(reverse("monitors-create"), data, headers={"HX-Request": "true"}).content.decode()
    assert 'name="conditions-1-value"' in page
    assert 'name="conditions-0-target_list"' in page
    assert 'name="conditions-1-target_list"' not in page
    assert acme.rows["lists"].name in page


def test_editing_replaces_the_conditions(acme, owner):
    monitor = acme.rows["monitors"]
    data = data_for(acme, *ROWS, name=monitor.name)
    owner.post(reverse("monitors-edit", args=[monitor.pk]), data)
    assert [condition.value for condition in monitor.conditions.all()] == ["first", "second"]


def test_a_copy_takes_the_conditions_along(acme, owner):
    page = owner.get(reverse("monitors-copy", args=[acme.rows["monitors"].pk])).content.decode()
    assert 'value="stop"' in page


MESSAGE = "From: reader@receiver.example\nSubject: please stop\n\nThank you.\n"


def test_a_preview_tells_what_would_happen_and_changes_nothing(acme, owner):
    reader = factories.make_subscriber(acme.rows["lists"], "reader@receiver.example")
    url = reverse("monitors-preview", args=[acme.rows["monitors"].pk])
    page = owner.post(url, {"message": MESSAGE}).content.decode()
    assert "Unsubscribe" in page
    assert "stop" in page
    reader.refresh_from_db()
    assert reader.status == "confirmed"


def test_the_mailbox_of_a_platform_key_is_not_looked_into(acme, owner):
    server = factories.make_monitor(
        acme.customer, api_key=factories.make_key(None), conditions=({"value": "x", "action": "delete"},)
    )
    response = owner.post(reverse("monitors-preview", args=[server.pk]), {"message": ""})
    assert response.status_code == 403


def test_its_page_counts_the_last_days_hits_of_each_condition(acme, owner):
    monitor = acme.rows["monitors"]
    for text, hours in (("contains “stop”", 1), ("contains “stop”", 23), ("contains “old”", 25)):
        MonitorHit.objects.create(
            customer=acme.customer,
            monitor=monitor,
            condition_text=text,
            outcome="unsubscribed",
            at=timezone.now() - timedelta(hours=hours),
        )
    page = owner.get(reverse("monitors-edit", args=[monitor.pk])).content.decode()
    assert "<dt>contains “stop”</dt><dd>2</dd>" in page
    assert "contains “old”" not in page


class TestTrying:
    """A monitor that is still being edited."""

    ROW = {"action": "delete", "value": "stop"}

    @pytest.fixture
    def reader(self, acme):
        return factories.make_subscriber(acme.rows["lists"], "reader@receiver.example")

    def test_a_new_monitor_is_tried_before_it_is_saved(self, acme, owner, reader):
        assert "Preview" in owner.get(reverse("monitors-create")).content.decode()
        data = data_for(acme, self.ROW)
        page = owner.post(reverse("monitors-try"), data).content.decode()
        assert "not saved yet" in page
        assert "What would happen" not in page
        assert 'name="conditions-0-value" value="stop"' in page
        page = owner.post(reverse("monitors-try"), {**data, "message": MESSAGE}).content.decode()
        assert (
            "<b>Delete</b>, because subject contains “stop”. Found reader@receiver.example (by email address): deleted"
            in page
        )
        reader.refresh_from_db()
        assert not Monitor.objects.filter(name="Watch").exists()

    def test_changes_are_tried_and_not_stored(self, acme, owner, reader):
        monitor = acme.rows["monitors"]
        url = reverse("monitors-try-changes", args=[monitor.pk])
        assert url in owner.get(reverse("monitors-edit", args=[monitor.pk])).content.decode()
        data = data_for(acme, {"action": "unconfirm", "value": "thank"}, name="Renamed", message=MESSAGE)
        page = owner.post(url, data).content.decode()
        assert "<b>Unconfirm</b>, because body contains “thank”. Found reader@" in page
        monitor.refresh_from_db()
        assert monitor.name != "Renamed"
        assert [condition.value for condition in monitor.conditions.all()] == ["stop"]
        reader.refresh_from_db()
        assert reader.status == "confirmed"

    def test_it_is_tried_over_the_mailboxs_newest_messages(self, acme, owner, reader, sandbox_world):
        sandbox_world.add_mailbox("microsoft", "watch@acme.example")
        message = sandbox_world.deliver(MESSAGE.encode(), "watch@acme.example")
        page = owner.post(reverse("monitors-try"), data_for(acme, self.ROW, message="")).content.decode()
        assert "reader@receiver.example" in page
        assert "deleted" in page
        assert not message.is_read
        assert not Monitor.objects.filter(name="Watch").exists()

    def test_what_is_wrong_is_said_first(self, acme, owner):
        rows = ({"action": "unsubscribe", "match": "regex", "value": "("}, {"action": "move_to_list"})
        page = owner.post(
            reverse("monitors-try"), data_for(acme, *rows, name="", message=MESSAGE)
        ).content.decode()
        assert "Name: This field is required." in page
        assert "Condition 1: The regular expression" in page
        assert "Condition 2: Choose the list to move or copy to." in page
        assert "What would happen" not in page

    def test_neither_a_foreign_key_nor_one_of_the_platform_opens_a_mailbox(self, acme, rival, owner):
        for key in (rival.rows["api-keys"], factories.make_key(None)):
            data = data_for(acme, self.ROW, api_key=key.pk, message="")
            page = owner.post(reverse("monitors-try"), data).content.decode()
            assert "Select a valid choice" in page
            assert "What would happen" not in page

    def test_a_foreign_monitor_is_not_found_and_a_locked_one_refused(self, acme, rival, owner):
        theirs = rival.rows["monitors"]
        data = data_for(acme, self.ROW, message=MESSAGE)
        assert owner.post(reverse("monitors-try-changes", args=[theirs.pk]), data).status_code == 404
        Monitor.objects.filter(pk=acme.rows["monitors"].pk).update(locked=True)
        url = reverse("monitors-try-changes", args=[acme.rows["monitors"].pk])
        assert owner.post(url, data).status_code == 403

    def test_a_viewer_tries_nothing(self, acme, viewer):
        assert viewer.post(reverse("monitors-try"), data_for(acme, self.ROW)).status_code == 403
