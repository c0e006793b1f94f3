"""Provisioning: idempotent, all or nothing, and a mistake is told with its line."""

import os
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.core.serializers import serialize
from django.utils import timezone

from accounts.models import Customer, SystemSettings, User
from audience.changes import Cause, unsubscribe
from audience.models import Change, Subscriber
from keys.models import ApiKey
from monitors.models import Monitor
from servers.models import DeliveryServer, Server
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

OURS = ("accounts", "keys", "audience", "servers", "campaigns", "bounces", "monitors", "mailboxes")
EXAMPLE = Path(__file__).parents[3] / "shared" / "provision.example.yaml"


def provision(path: Path, *options: str) -> str:
    out = StringIO()
    call_command("provision", str(path), *options, stdout=out)
    return out.getvalue()


def rows() -> dict[str, str]:
    """Everything that is stored, but for the moments of connection tests and tokens."""
    moving = {"tested_at", "connected_at", "steps", "expires_at", "access_token", "refreshed_at"}
    found = {}
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            fields = [field.name for field in model._meta.fields if field.name not in moving]
            found[model._meta.label] = serialize("json", model.objects.order_by("pk"), fields=fields)
    return found


def edit(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_it_makes_everything_and_connects_the_servers(world, document):
    out = provision(document)
    assert "Customers: 1 created" in out
    assert out.count("  connected") == 3
    server = DeliveryServer.objects.get()
    assert (server.customer.uid, server.locked, server.is_connected) == ("acme", True, True)
    monitor = Monitor.objects.get()
    assert [condition.action for condition in monitor.conditions.all()] == [
        "unsubscribe",
        "move_to_list",
        "stop_campaign_group",
    ]
    assert User.objects.get(email="owner@acme.example").check_password("a-long-enough-password")
    assert SystemSettings.load().customer_keys_enabled


def test_a_second_run_changes_nothing(world, document):
    provision(document)
    before = rows()
    out = provision(document)
    assert rows() == before
    assert "1 created" not in out
    assert "changed, 0 unchanged" not in out


def test_statuses_locks_and_passwords_apply_on_creation_only(world, document, variables, monkeypatch):
    provision(document)
    DeliveryServer.objects.update(locked=False, status=Server.Status.INACTIVE)
    monkeypatch.setenv("OWNER_PASSWORD", "another-long-password")
    provision(document)
    server = DeliveryServer.objects.get()
    assert not server.locked
    assert server.status == Server.Status.INACTIVE
    assert User.objects.get(email="owner@acme.example").check_password("a-long-enough-password")


def test_it_never_raises_a_subscribers_status(world, document):
    provision(document)
    ada = Subscriber.objects.get(uid="sub-1")
    unsubscribe(ada, Cause(Change.Cause.PERSON), timezone.now())
    provision(document)
    ada.refresh_from_db()
    assert ada.status == Subscriber.Status.UNSUBSCRIBED


def test_a_changed_name_is_taken_over(world, document):
    provision(document)
    out = provision(edit(document, "name: Acme production", "name: Renamed"))
    assert "Keys: 0 created, 1 changed, 1 unchanged" in out
    assert ApiKey.objects.get(uid="key-ms").name == "Renamed"


def test_it_says_where_processed_mail_goes(world, document):
    edit(document, "name: Replies\n", "name: Replies\n    processed_folder: Handled replies\n")
    provision(document)
    provision(document)
    assert Monitor.objects.get().processed_folder == "Handled replies"
    edit(document, "    processed_folder: Handled replies\n", "")
    provision(document)
    assert Monitor.objects.get().processed_folder == ""


def test_a_dry_run_says_what_would_change_and_changes_nothing(world, document):
    before = rows()
    out = provision(document, "--dry-run")
    assert "Monitors: 1 created" in out
    assert "Dry run" in out
    assert rows() == before


MISTAKES = [
    ("hourly_quota: 1500", "hourly_qouta: 1500", "unknown key “hourly_qouta”"),
    ("provider: google\n    name: Shared", "provider: yahoo\n    name: Shared", "one of microsoft, google"),
    ("key: key-google", "key: key-ms", "there is no Google key “key-ms”"),
    ("target_list: list-2", "target_list: list-9", "“list-9”"),
    ("group: Standard\n    timezone", "group: Nobody\n    timezone", "no customer group “Nobody”"),
    ("timezone: Europe/Berlin", "timezone: Mars/Olympus", "no time zone"),
    ("expires_at: 2027-05-01", "expires_at: soon", "must be a date"),
    ("email: news@acme.example, key: key-ms,\n", "email: nonsense, key: key-ms,\n", "email"),
    ("hourly_quota: 1500", "hourly_quota: -3", "at least 0"),
    ("delivery_servers: [ds-1]", "delivery_servers: [ds-7]", "no delivery server ds-7"),
    ("customer: acme\n    name: Customers", "customer: nobody\n    name: Customers", "no customer “nobody”"),
    ('client_id: "${CLIENT}"', 'client_id: "${NO_SUCH}"', "NO_SUCH is not set"),
    ('client_secret: "${SECRET}"', 'client_secret: "${TENANT}"', "Secret ID"),
    ('service_account_json: "${ACCOUNT}"', 'service_account_json: "{broken"', "JSON"),
    ("value: \"STOP\"", "value: \"\"", "“value” is required"),
    ("settings: {customer_keys_enabled: true}", "settings: {customer_keys_enabled: maybe}", "true or false"),
    ("campaigns:", "campaings:", "unknown key “campaings”"),
    ("name: Replies\n", "name: Replies\n    processed_folder: Inbox\n", "one of the mailbox's own folders"),
    ("name: Bounces,", "name: Bounces, processed_folder: Handled,", "either deleted or moved"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES, ids=[message for _, _, message in MISTAKES])
def test_a_mistake_names_its_line_and_changes_nothing(world, document, old, new, message):
    before = rows()
    with pytest.raises(CommandError) as error:
        provision(edit(document, old, new))
    assert message in str(error.value)
    assert "line " in str(error.value)
    assert "Nothing was changed" in str(error.value)
    assert rows() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("groups: [", "no YAML or JSON"),
        ("just a text", "must be a mapping"),
        ("a: 1\na: 2", "stands twice"),
    ],
)
def test_an_unreadable_file_is_refused(tmp_path, db, content, message):
    path = tmp_path / "site.yaml"
    path.write_text(content)
    with pytest.raises(CommandError, match=message):
        provision(path)


def test_a_missing_or_binary_file_is_refused(tmp_path, db):
    with pytest.raises(CommandError, match="cannot be read"):
        provision(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(CommandError, match="UTF-8"):
        provision(tmp_path / "binary.yaml")


def test_a_uid_of_another_customer_is_not_taken_over(world, document):
    provision(document)
    make_customer("Rival", uid="rival")
    text = edit(
        document, "{uid: grp-1, customer: acme, name: Weekly}", "{uid: grp-1, customer: rival, name: Mine}"
    )
    with pytest.raises(CommandError, match="belongs to another customer"):
        provision(text)


def test_a_server_whose_connection_fails_is_saved_not_connected(world, document, monkeypatch):
    monkeypatch.setenv("SECRET", "wrong~secret.value")
    out = provision(document)
    assert "not connected: " in out
    server = DeliveryServer.objects.get()
    assert not server.is_connected
    assert server.last_error_code == "AADSTS7000215"


@pytest.mark.skipif(
    not EXAMPLE.exists(), reason="the example file lies beside the project only where it is developed"
)
def test_the_published_example_gives_the_same_rows_twice(world, variables, monkeypatch):
    monkeypatch.setenv("ACME_OWNER_PASSWORD", variables["OWNER_PASSWORD"])
    monkeypatch.setenv("ACME_CLIENT_SECRET", variables["SECRET"])
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_JSON", os.environ["ACCOUNT"])
    provision(EXAMPLE)
    before = rows()
    provision(EXAMPLE)
    assert rows() == before
    assert Customer.objects.get().uid == "acme"
