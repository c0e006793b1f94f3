"""CSV in and out: preview, all or nothing, round trip, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from audience import changes
from audience.models import BlacklistEntry, Change, Subscriber
from bounces.models import BounceServer
from monitors.models import Monitor
from tests import factories

EXPORTS = (
    "bounce-servers",
    "delivery-servers",
    "monitors",
    "api-keys",
    "subscribers",
    "blacklist",
    "deliveries",
    "bounces",
    "monitor-hits",
    "journal",
)


ROUND_TRIPS = (
    "bounce-servers",
    "delivery-servers",
    "monitors",
    "subscribers",
    "api-keys",
    "lists",
    "campaign-groups",
    "campaigns",
)


def read(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def upload(client, slug: str, text: str, **data):
    return client.post(
        reverse(f"{slug}-import"), {"file": SimpleUploadedFile("rows.csv", text.encode()), **data}
    )


def confirm(client, slug: str, text: str):
    return client.post(reverse(f"{slug}-import"), {"text": text, "confirmed": "1"}, follow=True)


def servers_csv(acme, *emails: str) -> str:
    key = acme.rows["api-keys"].name
    lines = [f"Imported {number},Microsoft,{email},{key},yes" for number, email in enumerate(emails)]
    return "\n".join(["name,provider,email,api_key,delete_processed", *lines])


@pytest.mark.parametrize("slug", EXPORTS)
def test_every_section_exports_its_rows(acme, owner, slug):
    response = owner.get(reverse(f"{slug}-export"))
    assert response.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in response.headers["Content-Disposition"]
    assert len(read(response)) >= 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_an_exported_cell_cannot_start_a_formula(acme, owner, start):
    name = f"{start}cmd|' /C calc'!A0"
    factories.make_bounce_server(acme.customer, name=name)
    names = [row["name"] for row in read(owner.get(reverse("bounce-servers-export")))]
    assert f"'{name}" in names
    assert name not in names


def test_an_export_follows_the_filters_of_the_list(acme, owner):
    factories.make_bounce_server(acme.customer, name="Zebra")
    rows = read(owner.get(reverse("bounce-servers-export"), {"q": "zebra"}))
    assert [row["name"] for row in rows] == ["Zebra"]


def test_keys_are_exported_without_any_secret(acme, owner):
    text = owner.get(reverse("api-keys-export")).content.decode()
    assert factories.MICROSOFT_CREDENTIALS["client_secret"] not in text
    assert "credentials" not in text


def test_a_preview_changes_nothing_and_shows_what_would_happen(acme, owner):
    page = upload(
        owner, "bounce-servers", servers_csv(acme, "a@acme.example", "b@acme.example")
    ).content.decode()
    assert "Import 2 rows" in page
    assert "New" in page
    assert not BounceServer.objects.filter(name__startswith="Imported").exists()


def test_a_preview_shows_which_cells_of_a_stored_row_would_change(acme, owner):
    server, key = acme.rows["bounce-servers"], acme.rows["api-keys"].name
    text = (
        "uid,name,provider,email,api_key,delete_processed\n"
        f"{server.uid},Renamed & moved,Microsoft,{server.email},{key},no\n"
    )
    page = upload(owner, "bounce-servers", text).content.decode()
    assert re.findall(r"<li><b>(\w+)</b> <del>(.*?)</del>.*?<ins>(.*?)</ins>", page) == [
        ("name", server.name, "Renamed &amp; moved"),
        ("delete_processed", "yes", "no"),
    ]
    server.refresh_from_db()
    assert server.name != "Renamed & moved"


def test_a_preview_shows_changed_conditions_and_values(acme, owner):
    monitor, reader = acme.rows["monitors"], acme.rows["subscribers"]
    (line,) = [row for row in read(owner.get(reverse("monitors-export"))) if row["uid"] == monitor.uid]
    changed = line["conditions"].replace("stop", "halt")
    page = upload(
        owner, "monitors", f'uid,conditions\n{monitor.uid},"{changed.replace(chr(34), chr(34) * 2)}"\n'
    )
    assert "<b>conditions</b>" in page.content.decode()
    page = upload(owner, "subscribers", f"uid,values\n{reader.uid},FNAME: Augusta\n").content.decode()
    assert "<del>FNAME: Ada</del>" in page
    assert "<ins>FNAME: Augusta</ins>" in page


def test_an_import_makes_untested_inactive_servers_of_the_own_customer(acme, owner):
    confirm(owner, "bounce-servers", servers_csv(acme, "a@acme.example", "b@acme.example"))
    made = BounceServer.objects.filter(name__startswith="Imported")
    assert [server.customer for server in made] == [acme.customer] * 2
    assert not any(server.is_active or server.is_connected for server in made)
    assert "Not tested yet" in owner.get(reverse("bounce-servers")).content.decode()


def test_a_file_says_where_processed_mail_is_moved_to(acme, owner):
    header, row = servers_csv(acme, "a@acme.example").replace(",yes", ",no").splitlines()
    confirm(owner, "bounce-servers", f"{header},processed_folder\n{row},Handled")
    made = BounceServer.objects.get(name="Imported 0")
    assert (made.delete_processed, made.processed_folder) == (False, "Handled")
    rows = read(owner.get(reverse("bounce-servers-export"), {"q": "imported"}))
    assert [(row["delete_processed"], row["processed_folder"]) for row in rows] == [("0", "Handled")]


def test_a_file_cannot_name_a_folder_of_the_mailboxs_own(acme, owner):
    header, row = servers_csv(acme, "a@acme.example").replace(",yes", ",no").splitlines()
    text = f"{header},processed_folder\n{row},Inbox"
    assert "mailbox&#x27;s own folders" in upload(owner, "bounce-servers", text).content.decode()
    confirm(owner, "bounce-servers", text)
    assert not BounceServer.objects.filter(name__startswith="Imported").exists()


def test_one_wrong_row_stops_the_whole_import(acme, owner):
    text = servers_csv(acme, "a@acme.example", "no address")
    page = upload(owner, "bounce-servers", text).content.decode()
    assert "1 of 2 rows cannot be imported" in page
    assert "Enter a valid email address" in page
    assert "Import 2 rows" not in page
    confirm(owner, "bounce-servers", text)
    assert not BounceServer.objects.filter(name__startswith="Imported").exists()


def test_an_export_imports_back_without_a_change(acme, owner):
    for slug in ROUND_TRIPS:
        export = owner.get(reverse(f"{slug}-export")).content.decode()
        page = upload(owner, slug, export).content.decode()
        assert "Unchanged" in page, slug
        assert "Needs attention" not in page, slug
        assert ">Changed<" not in page, slug


def test_a_blacklisted_subscriber_comes_back_without_a_change(acme, owner):
    reader = acme.rows["subscribers"]
    changes.blacklist(reader.email, acme.customer, changes.Cause("person"), timezone.now())
    export = owner.get(reverse("subscribers-export")).content.decode()
    assert ",blacklisted," in export
    assert ">Changed<" not in upload(owner, "subscribers", export).content.decode()


def test_a_wrong_choice_is_named_and_not_blamed_on_the_key(acme, owner):
    page = upload(
        owner, "bounce-servers", servers_csv(acme, "a@acme.example").replace("Microsoft", "Outlook")
    )
    assert "provider: &#x27;Outlook&#x27; is none of: microsoft, google." in page.content.decode()
    assert "api_key:" not in page.content.decode()


def test_what_a_file_cannot_change_is_passed_over(acme, owner):
    server = acme.rows["delivery-servers"]
    page = upload(owner, "delivery-servers", f"uid,name,connected_at\n{server.uid},Renamed,2001-01-01\n")
    assert "<b>connected_at</b>" not in page.content.decode()
    confirm(owner, "delivery-servers", f"uid,name,connected_at\n{server.uid},Renamed,2001-01-01\n")
    before = server.connected_at
    server.refresh_from_db()
    assert (server.name, server.connected_at) == ("Renamed", before)


def test_a_foreign_uid_is_as_unknown_as_one_that_does_not_exist(acme, rival, owner):
    theirs = rival.rows["bounce-servers"]
    page = upload(owner, "bounce-servers", f"uid,name\n{theirs.uid},Stolen\n").content.decode()
    assert "You have none with the uid" in page
    theirs.refresh_from_db()
    assert theirs.name != "Stolen"


def test_a_foreign_key_cannot_be_named_in_a_file(acme, rival, owner):
    key = rival.rows["api-keys"]
    text = f"name,provider,email,api_key\nX,microsoft,x@acme.example,{key.uid}\n"
    page = upload(owner, "bounce-servers", text).content.decode()
    assert "There is none with the name or uid" in page


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"", "Choose a CSV file"),
        (b"name,provider\n", "has no rows"),
        (b"name,colour\nA,blue\n", "colour"),
        (b"name,name\nA,B\n", "twice"),
        (b"name\nA,B,C\n", "Row 1 has 3 cells"),
        (b"name\n" + b"A\n" * 2001, "more than 2,000 rows"),
        (b"n" * (2 * 1024 * 1024 + 1), "larger than 2 MB"),
    ],
)
def test_a_bad_file_gets_a_clear_message(acme, owner, content, message):
    response = owner.post(reverse("bounce-servers-import"), {"file": SimpleUploadedFile("rows.csv", content)})
    assert response.status_code == 200
    assert message in response.content.decode()


def test_a_monitors_conditions_travel_in_one_column(acme, owner):
    other = factories.make_list(acme.customer, name='Other "contacts"')
    conditions = "\n".join(
        (
            'any contains "stop, please" -> unsubscribe',
            'body equals "NO" match_case -> move_to_list "Other \\"contacts\\""',
        )
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "provider", "email", "api_key", "conditions"])
    writer.writerow(["M", "microsoft", "m@acme.example", acme.rows["api-keys"].name, conditions])
    confirm(owner, "monitors", out.getvalue())
    monitor = Monitor.objects.get(name="M")
    first, second = monitor.conditions.all()
    assert (first.value, first.action) == ("stop, please", "unsubscribe")
    assert (second.value, second.match_case, second.target_list) == ("NO", True, other)
    exported = {row["name"]: row["conditions"] for row in read(owner.get(reverse("monitors-export")))}
    assert exported["M"] == conditions


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ("", "Add at least one condition"),
        ("nonsense", "Condition 1 cannot be read"),
        ('any contains "x" -> explode', "is no action"),
        ('any contains "x" -> move_to_list "Nowhere"', "There is none"),
        ('any contains "x" -> move_to_list', "Choose the list"),
        ('any regex "(" -> unsubscribe', "cannot be used"),
    ],
)
def test_a_wrong_condition_is_named(acme, owner, conditions, message):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "provider", "email", "api_key", "conditions"])
    writer.writerow(["M", "microsoft", "m@acme.example", acme.rows["api-keys"].name, conditions])
    assert message in upload(owner, "monitors", out.getvalue()).content.decode()


def test_subscribers_are_imported_with_a_cause_in_the_journal(acme, owner):
    mailing_list = acme.rows["lists"]
    text = f"list,email,status,values\n{mailing_list.name},ada@receiver.example,confirmed,FNAME: Ada\n"
    confirm(owner, "subscribers", text)
    subscriber = Subscriber.objects.get(email="ada@receiver.example")
    assert subscriber.fields == {"FNAME": "Ada"}
    change = Change.objects.get(subscriber=subscriber)
    assert (change.cause_kind, change.actor) == (Change.Cause.IMPORT, acme.owner)


def test_an_import_never_raises_a_status(acme, owner):
    mailing_list = acme.rows["lists"]
    gone = factories.make_subscriber(mailing_list, "gone@receiver.example", status="unsubscribed")
    confirm(owner, "subscribers", f"list,email,status\n{mailing_list.name},Gone@receiver.example,confirmed\n")
    gone.refresh_from_db()
    assert gone.status == "unsubscribed"
    assert Subscriber.objects.filter(email_key="gone@receiver.example").count() == 1


def test_an_imported_blacklist_entry_stays_the_customers_own(acme, owner):
    confirm(owner, "blacklist", "email,reason\nspam@receiver.example,asked us\n")
    entry = BlacklistEntry.objects.get(email="spam@receiver.example")
    assert (entry.customer, entry.reason) == (acme.customer, "asked us")


def test_a_campaign_that_has_begun_is_not_changed_by_a_file(acme, owner):
    campaign = acme.rows["campaigns"]
    type(campaign).objects.filter(pk=campaign.pk).update(status="sending")
    page = upload(owner, "campaigns", f"uid,name\n{campaign.uid},Forged\n").content.decode()
    assert "Pause it to change it" in page


def test_an_imported_campaign_is_a_draft_with_its_servers(acme, owner):
    server, mailing_list = acme.rows["delivery-servers"], acme.rows["lists"]
    text = f"name,list,delivery_servers,subject\nNew one,{mailing_list.name},{server.name};,Hello\n"
    confirm(owner, "campaigns", text)
    campaign = acme.rows["campaigns"].__class__.objects.get(name="New one")
    assert campaign.status == "draft"
    assert list(campaign.delivery_servers.all()) == [server]
