"""The ledger in the backend: where processed mail went, and messages that wait for a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from bounces.models import Bounce
from mailboxes import handling
from mailboxes.models import ProcessedMessage
from tests import factories as make
from tests.admin.conftest import sign_in
from tests.mailroom import Mailroom

LIST = reverse("admin:mailboxes_processedmessage_changelist")


@pytest.fixture
def room(db: Any, sandbox_world: Any) -> Mailroom:
    return Mailroom(sandbox_world)


def try_again(client: Client, *rows: ProcessedMessage) -> str:
    data = {"action": "try_again", "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, data, follow=True).content.decode()


@pytest.fixture
def set_aside(room: Mailroom, monkeypatch: Any) -> ProcessedMessage:
    """A bounce that could not be read three times."""
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    describe = handling.describe

    def poisoned(row: ProcessedMessage, raw: bytes) -> None:
        raise ValueError("poison")

    monkeypatch.setattr(handling, "describe", poisoned)
    for _ in range(handling.MAX_TRIES):
        room.read()
    monkeypatch.setattr(handling, "describe", describe)
    row = ProcessedMessage.objects.get()
    assert row.state == "quarantined"
    return row


def test_it_says_where_a_message_was_moved_to(backend: Client, room: Mailroom) -> None:
    room.add_bounce_server(delete_processed=False, processed_folder="Handled")
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()
    row = ProcessedMessage.objects.get()
    assert "Moved to Handled" in backend.get(LIST).content.decode()
    url = reverse("admin:mailboxes_processedmessage_change", args=[row.pk])
    assert "Moved to Handled" in backend.get(url).content.decode()


def test_a_message_that_was_set_aside_shows_its_source_and_is_tried_again(
    backend: Client, room: Mailroom, set_aside: ProcessedMessage
) -> None:
    url = reverse("admin:mailboxes_processedmessage_change", args=[set_aside.pk])
    page = backend.get(url).content.decode()
    assert "poison" in page
    assert "Content-Type: multipart/report" in page
    assert set_aside.subject in backend.get(f"{LIST}?needs_a_person=yes").content.decode()

    assert "1 will be tried again" in try_again(backend, set_aside)
    assert AuditEntry.objects.filter(action="try again", object_id=str(set_aside.pk)).exists()
    room.read()

    set_aside.refresh_from_db()
    assert (set_aside.state, Bounce.objects.count()) == ("done", 1)
    assert "None of these waits" in try_again(backend, set_aside)


def test_a_refused_disposal_is_tried_again(backend: Client, room: Mailroom) -> None:
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.world.fault("status", "graph.messages.delete", status=403, code="ErrorAccessDenied", times=None)
    room.read()
    row = ProcessedMessage.objects.get()
    assert row.disposal == "failed"
    room.world.faults.clear()

    try_again(backend, row)
    room.read()

    row.refresh_from_db()
    assert row.disposal == "delete"


def test_the_dashboard_names_messages_that_were_set_aside(
    backend: Client, set_aside: ProcessedMessage
) -> None:
    page = backend.get(reverse("admin:index")).content.decode()
    assert "1 message was set aside" in page
    assert f"{LIST}?needs_a_person=yes" in page


def test_who_may_only_look_cannot_try_again(room: Mailroom, set_aside: ProcessedMessage) -> None:
    viewer = make.make_user(None, email="viewer@platform.example")
    viewer.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client = sign_in(viewer)
    assert client.get(LIST).status_code == 200
    try_again(client, set_aside)
    set_aside.refresh_from_db()
    assert set_aside.state == "quarantined"
