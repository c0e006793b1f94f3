"""Processed mail that is moved to a folder instead of deleted, whoever has a say in it."""

from __future__ import annotations

import pytest

from bounces.models import Bounce
from keys.models import Token
from mailboxes.disposing import dispose_again
from mailboxes.models import ProcessedMessage
from mailboxes.wishes import Wish, anybodys_wishes, common_wishes
from monitors.models import Monitor, MonitorHit
from operations.reading import read_bounces
from providers.session import Http
from tests.factories import make_customer, make_list
from tests.mailroom import GMAIL, Mailroom, human_reply

FOLDER = "Processed"
STOP = {"value": "stop", "action": "unsubscribe"}


def moving(**fields):
    return {"delete_processed": False, "processed_folder": FOLDER, **fields}


def row(purpose="bounces") -> ProcessedMessage:
    return ProcessedMessage.objects.get(purpose=purpose)


def letter(room: Mailroom):
    room.subscribe("ada@receiver.example")
    return room.arrive(human_reply("ada@receiver.example", "Please stop."))


def test_a_processed_bounce_is_moved_unread_and_the_ledger_says_where_to(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))

    report, _ = room.read()

    (message,) = room.stored()
    assert (room.place_of(message), message.is_read) == (FOLDER, False)
    assert (report.error, report.disposed) == ("", 1)
    assert (row().disposal, row().disposal_text) == ("move", "Moved to Processed")


def test_a_reply_that_was_acted_on_is_moved_and_one_that_was_not_stays(room):
    room.add_monitor(STOP, **moving())
    room.open_for_business()
    acted = letter(room)
    other = room.arrive(human_reply("hal@receiver.example", "Nice to hear from you."), folder="junk")

    room.read()

    assert (room.place_of(acted), room.place_of(other)) == (FOLDER, "junk")


def test_moved_mail_is_no_news_and_is_handled_once(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()

    again = [room.read()[0].listed for _ in range(2)]
    room.world.expire_cursors(room.email)
    relisted, _ = room.read()

    assert again == [0, 0]
    assert (relisted.relisted, relisted.handled) == (True, 0)
    assert (Bounce.objects.count(), ProcessedMessage.objects.count()) == (1, 1)


def test_moved_mail_that_a_person_moves_back_stays_there_and_is_not_handled_again(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()
    (message,) = room.stored()
    room.world.mailbox(room.email).move(message, "inbox")

    room.read()
    room.world.expire_cursors(room.email)
    room.read()

    assert (Bounce.objects.count(), ProcessedMessage.objects.count()) == (1, 1)
    assert room.place_of(message) == "inbox"


def test_forty_bounces_are_moved_with_a_dozen_requests(room, monkeypatch):
    room.add_bounce_server(**moving())
    room.open_for_business()
    for number in range(40):
        room.arrive(room.report(room.deliver(room.subscribe(f"reader{number}@receiver.example"))))
    once, requests = Http.once, []
    monkeypatch.setattr(Http, "once", lambda self, call: requests.append(call.url) or once(self, call))

    report, _ = room.read()

    assert (report.matched, report.disposed) == (40, 40)
    assert len(requests) <= 14
    assert {room.place_of(message) for message in room.stored()} == {FOLDER}


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_worker_that_dies_at_the_move_leaves_what_the_next_cycle_settles(room, monkeypatch, is_answered):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    once = Http.once

    class Killed(BaseException):
        """The worker's process ended here."""

    def dying(self, call):
        is_move = b'"destinationId"' in call.body or "batchModify" in call.url
        answer = once(self, call) if is_answered or not is_move else None
        if is_move:
            raise Killed
        return answer

    monkeypatch.setattr(Http, "once", dying)
    with pytest.raises(Killed):
        room.read()
    monkeypatch.setattr(Http, "once", once)
    assert (row().state, row().disposal) == ("done", "wanted")
    room.expire_leases()
    room.read()

    assert (row().disposal, Bounce.objects.count()) == ("move", 1)
    assert [room.place_of(message) for message in room.stored()] == [FOLDER]


def test_a_move_that_fails_for_a_moment_is_repeated_and_the_bounce_is_not(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    for call in ("graph.messages.move", "gmail.messages.batchModify"):
        room.world.fault("status", call, mailbox=room.email, status=503, times=None)

    room.read()
    assert row().disposal == "wanted"
    room.world.faults.clear()
    report, _ = room.read()

    assert (report.handled, report.disposed, row().disposal) == (0, 1, "move")
    assert Bounce.objects.count() == 1


def test_what_a_person_deleted_for_good_in_between_breaks_nothing(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.bounce(room.subscribe("bob@receiver.example"))
    box, message = room.world.mailbox(room.email), room.stored()[0]

    def remove() -> None:
        if message in box.all_messages():
            box.remove(message)

    for call in ("graph.messages.move", "gmail.messages.batchModify"):
        room.world.fault("hook", call, mailbox=room.email, hook=remove)

    report, _ = room.read()

    assert (report.error, report.disposed) == ("", 2)
    assert [room.place_of(message) for message in room.stored()] == [FOLDER]
    assert set(ProcessedMessage.objects.values_list("disposal", flat=True)) <= {"gone", "move"}


def test_a_folder_that_a_person_renames_is_made_anew(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()
    box = room.world.mailbox(room.email)
    if room.provider == "google":
        box.user_labels = dict.fromkeys(box.user_labels, "Kept by me")
    else:
        next(folder for folder in box.folders.values() if folder.name == FOLDER).name = "Kept by me"
    room.bounce(room.subscribe("bob@receiver.example"))
    room.read()

    assert sorted(room.place_of(message) for message in room.stored()) == ["Kept by me", FOLDER]


def test_a_refused_move_is_shown_on_the_message_and_tried_again_when_asked(room):
    room.add_bounce_server(**moving())
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    faults = {
        "graph.mailFolders.create": "ErrorAccessDenied",
        "gmail.labels.create": "insufficientPermissions",
    }
    for call, code in faults.items():
        room.world.fault("status", call, mailbox=room.email, status=403, code=code, times=None)

    report, _ = room.read()

    assert (report.handled, row().disposal) == (1, "failed")
    assert "Not moved" in row().detail
    assert [room.place_of(message) for message in room.stored()] == ["inbox"]
    room.world.faults.clear()
    assert dispose_again(row())
    room.read()
    assert row().disposal_text == "Moved to Processed"


def test_mail_waits_for_its_move_until_the_monitors_have_seen_it(room):
    room.add_bounce_server(**moving())
    room.add_monitor({"value": "*", "action": "unsubscribe"}, skip_automatic=False)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.world.advance(2)

    first = read_bounces(room.mailbox, room.now)
    assert (first.disposed, row().disposal) == (0, "wanted")
    room.read()

    assert row().disposal == "move"


class TestTwoPurposes:
    """A report that the bounce server processes, and the monitor too."""

    ALL = {"value": "*", "action": "delete"}

    def read(self, room, *, bounces, monitors):
        room.add_bounce_server(**bounces)
        room.add_monitor(self.ALL, skip_automatic=False, **monitors)
        room.open_for_business()
        room.bounce(room.subscribe("ada@receiver.example"))
        room.subscribe("postmaster@acme.example")
        room.subscribe("mailer-daemon@googlemail.com")
        room.read()
        room.read()
        assert MonitorHit.objects.filter(changed=True).exists()

    @pytest.mark.parametrize("is_reversed", [False, True])
    def test_deleting_beats_moving(self, room, is_reversed):
        wishes = [{"delete_processed": True}, moving()]
        first, second = reversed(wishes) if is_reversed else wishes
        self.read(room, bounces=first, monitors=second)
        assert set(ProcessedMessage.objects.values_list("disposal", flat=True)) == {"delete"}
        assert not [m for m in room.stored() if room.place_of(m) == FOLDER]

    def test_moving_beats_leaving(self, room):
        self.read(room, bounces={"delete_processed": False}, monitors=moving())
        assert [room.place_of(message) for message in room.stored()] == [FOLDER]

    def test_of_two_folders_the_first_asked_for_gets_it_and_both_rows_say_so(self, room):
        self.read(room, bounces=moving(), monitors=moving(processed_folder="Replies"))
        assert [room.place_of(message) for message in room.stored()] == [FOLDER]
        texts = {message.disposal_text for message in ProcessedMessage.objects.all()}
        assert texts == {"Moved to Processed"}

    def test_where_deleting_is_refused_the_move_is_done(self, graph_room):
        room = graph_room
        room.world.fault(
            "status", "graph.messages.delete", mailbox=room.email, status=403, code="ErrorAccessDenied", times=None
        )  # fmt: skip
        self.read(room, bounces={"delete_processed": True}, monitors=moving())
        assert [room.place_of(message) for message in room.stored()] == [FOLDER]
        assert {message.disposal_text for message in ProcessedMessage.objects.all()} == {"Moved to Processed"}


class TestAsker:
    """Acme's and Rival's monitors in one Gmail mailbox, where Rival's access may only read."""

    @pytest.fixture
    def shared(self, db, sandbox_world):
        room = Mailroom(sandbox_world, "google")
        rival = make_customer("Rival")
        theirs = room.add_monitor(STOP, customer=rival, **moving(processed_folder="Rival's"))
        for account in sandbox_world.service_accounts.values():
            account.delegations["acme.example"].add(f"{GMAIL}readonly")
        room.prove(theirs, [f"{GMAIL}readonly"])
        room.subscribe("ada@receiver.example", make_list(rival))
        return room

    def test_one_who_may_only_read_has_nothing_moved_by_the_access_of_another(self, shared):
        shared.add_bounce_server()
        shared.open_for_business()
        message = shared.arrive(human_reply("ada@receiver.example", "Please stop."))

        report, _ = shared.read()
        shared.read()

        assert (report.error, shared.place_of(message)) == ("", "inbox")
        assert (row("monitors").outcome, row("monitors").disposal) == ("acted", "failed")
        assert "Not moved" in row("monitors").detail
        assert shared.world.mailbox(shared.email).user_labels == {}

    def test_one_who_may_only_read_hinders_nobody_else(self, shared):
        shared.add_monitor(STOP, **moving())
        shared.open_for_business()
        message = letter(shared)

        shared.read()

        assert shared.place_of(message) == FOLDER
        assert row("monitors").disposal_text == "Moved to Processed"
        assert list(shared.world.mailbox(shared.email).user_labels.values()) == [FOLDER]

    def test_a_delete_that_is_refused_leaves_the_move_to_the_other(self, shared):
        Monitor.objects.update(delete_processed=True, processed_folder="")
        shared.add_monitor(STOP, **moving())
        shared.open_for_business()
        message = letter(shared)

        shared.read()

        assert (shared.place_of(message), row("monitors").disposal) == (FOLDER, "move")


def test_gmail_moves_where_its_scope_allows_no_delete(db, sandbox_world):
    room = Mailroom(sandbox_world, "google")
    server = room.add_bounce_server(**moving())
    room.prove(server, [f"{GMAIL}modify", f"{GMAIL}send"])
    Token.objects.update(access_token=None, expires_at=None)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))

    room.read()

    assert [room.place_of(message) for message in room.stored()] == [FOLDER]


class TestWishes:
    class Server:
        def __init__(self, customer_id, *, deletes=False, folder=""):
            self.customer_id, self.delete_processed, self.processed_folder = customer_id, deletes, folder

    def test_of_those_that_acted_the_strongest_goes_first(self):
        deletes, moves, leaves = self.Server(1, deletes=True), self.Server(2, folder="A"), self.Server(3)
        assert anybodys_wishes([leaves, moves, deletes]) == [Wish(1), Wish(2, "A")]
        assert anybodys_wishes([leaves, moves]) == [Wish(2, "A")]
        assert anybodys_wishes([leaves]) == anybodys_wishes([]) == []

    def test_what_concerns_several_goes_as_far_as_all_agree_to(self):
        deletes, moves, leaves = self.Server(1, deletes=True), self.Server(2, folder="A"), self.Server(3)
        assert common_wishes([deletes, moves, leaves]) == common_wishes([]) == []
        assert common_wishes([deletes, moves]) == [Wish(2, "A")]
        assert common_wishes([deletes, self.Server(None, deletes=True)]) == [Wish(1), Wish(None)]

    def test_of_two_folders_the_first_goes_first(self):
        servers = [self.Server(1, folder="B"), self.Server(2, folder="A"), self.Server(1, folder="B")]
        assert anybodys_wishes(servers) == [Wish(1, "B"), Wish(2, "A")]

    def test_deleting_goes_before_a_folder_that_is_left_over(self):
        assert anybodys_wishes([self.Server(1, deletes=True, folder="A")]) == [Wish(1)]
