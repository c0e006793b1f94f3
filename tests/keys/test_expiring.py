"""Warnings before a key's secret ends: each step once, to the right people, and never lost."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, connection, transaction

from accounts.models import SystemSettings
from keys import expiring
from keys.expiring import warn_of_expiring_keys
from keys.models import ExpiryWarning
from keys.removing import remove_key
from providers.registry import PROVIDERS
from tests.factories import make_admin, make_customer, make_delivery_server, make_key, make_user

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


class BrokenBackend(EmailBackend):
    """Refuses everybody at `bounced.example`, until the test says otherwise; stands on no open transaction."""

    refuses = True

    def send_messages(self, messages):
        # The test itself runs in one transaction; the product must not open another around it.
        assert len(connection.savepoint_ids) == 0
        if self.refuses and "bounced.example" in messages[0].to[0]:
            raise smtplib.SMTPRecipientsRefused({})
        return super().send_messages(messages)


@pytest.fixture
def admin():
    return make_admin(email="root@platform.example")


@pytest.fixture
def broken(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
    monkeypatch.setattr("django.core.mail.get_connection", lambda *_, **__: BrokenBackend())
    monkeypatch.setattr(BrokenBackend, "refuses", True)
    return BrokenBackend


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


def steps() -> list[int]:
    return list(ExpiryWarning.objects.order_by("pk").values_list("step", flat=True))


def test_each_step_is_mailed_once_down_to_the_end(admin):
    make_key(name="Production", expires_at=days(70).date())
    for day in range(0, 90):
        for hour in (0, 6):
            warn_of_expiring_keys(days(day) + timedelta(hours=hour))
    assert steps() == [60, 30, 14, 7, 3, 1, -1]
    subjects = [message.subject for message in mail.outbox]
    assert len(subjects) == 7
    assert subjects[0] == "API key “Production” ends in 60 days"
    assert subjects[-2:] == ["API key “Production” ends in 1 day", "API key “Production” has ended"]


def test_a_date_typed_late_gets_the_current_step_only(admin):
    make_key(expires_at=days(5).date())
    warn_of_expiring_keys(NOW)
    assert steps() == [7]


def test_a_changed_date_starts_anew(admin):
    key = make_key(expires_at=days(5).date())
    warn_of_expiring_keys(NOW)
    key.expires_at = days(6).date()
    key.save()
    warn_of_expiring_keys(NOW)
    assert steps() == [7, 7]
    key.expires_at = days(700).date()
    key.save()
    assert warn_of_expiring_keys(NOW) == 0


@pytest.mark.parametrize(
    "fields", [{"expires_at": None}, {"expires_at": days(61).date()}, {"status": "disabled"}]
)
def test_others_are_left_alone(admin, fields):
    make_key(**{"expires_at": days(5).date(), **fields})
    warn_of_expiring_keys(NOW)
    assert mail.outbox == []


def test_admins_hear_of_every_key_and_owners_of_their_own(admin):
    acme, rival = make_customer("Acme"), make_customer("Rival")
    make_user(acme, email="owner@acme.example")
    make_user(acme, email="gone@acme.example", is_active=False)
    make_user(acme, email="manager@acme.example", role="manager")
    make_user(rival, email="owner@rival.example")
    make_user(None, email="support@platform.example")
    make_admin(email="former@platform.example", is_active=False)
    make_key(acme, expires_at=days(5).date())
    make_key(expires_at=days(5).date())
    warn_of_expiring_keys(NOW)
    told = [message.to for message in mail.outbox]
    assert told == [["root@platform.example"], ["owner@acme.example"], ["root@platform.example"]]


def test_the_mail_says_which_key_what_stops_and_what_to_do(admin, settings):
    settings.SITE_URL = "https://mail.example"
    acme = make_customer("Acme & Söhne")
    make_user(acme, email="owner@acme.example")
    key = make_key(acme, name="Main\nBcc: x@evil.example", expires_at=days(5).date())
    make_delivery_server(acme, api_key=key, name="News", email="news@acme.example", status="active")
    SystemSettings.objects.update_or_create(pk=1, defaults={"customer_keys_enabled": True})
    warn_of_expiring_keys(NOW)
    to_admin, to_owner = mail.outbox
    assert "\n" not in to_admin.subject
    for text in (
        "Acme & Söhne",
        "25 November 2026",
        "delivery server “News” <news@acme.example>, active",
        *PROVIDERS["microsoft"].renewal_steps,
    ):
        assert text in to_owner.body
    assert f"https://mail.example/admin/keys/apikey/{key.pk}/change/" in to_admin.body
    assert f"https://mail.example/api-keys/{key.pk}/" in to_owner.body
    assert not to_owner.alternatives


def test_an_owner_who_may_not_change_keys_is_sent_to_the_platform(admin):
    acme = make_customer()
    make_user(acme)
    make_key(acme, "google", expires_at=days(5).date())
    warn_of_expiring_keys(NOW)
    assert "/api-keys/" not in mail.outbox[1].body
    assert "platform's administrators" in mail.outbox[1].body


def test_a_mail_that_failed_is_tried_again_for_those_alone_who_missed_it(admin, broken):
    acme = make_customer()
    make_user(acme, email="owner@bounced.example")
    make_key(acme, expires_at=days(5).date())
    assert warn_of_expiring_keys(NOW) == 0
    assert [message.to for message in mail.outbox] == [["root@platform.example"]]
    broken.refuses = False
    assert warn_of_expiring_keys(NOW + timedelta(seconds=30)) == 0  # not before the next tick
    assert warn_of_expiring_keys(NOW + timedelta(minutes=1)) == 1
    assert [message.to for message in mail.outbox] == [["root@platform.example"], ["owner@bounced.example"]]
    assert warn_of_expiring_keys(NOW + timedelta(hours=7)) == 0


def test_a_mail_that_keeps_failing_is_tried_less_and_less(broken):
    make_admin(email="root@bounced.example")
    make_key(expires_at=days(5).date())
    for minute in range(24 * 60):
        warn_of_expiring_keys(NOW + timedelta(minutes=minute))
    assert ExpiryWarning.objects.get().tries < 15


def test_a_crash_between_claim_and_mail_loses_nothing(admin, monkeypatch):
    make_key(expires_at=days(5).date())

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(expiring, "send_mail", die)
        with pytest.raises(Killed):
            warn_of_expiring_keys(NOW)
    assert warn_of_expiring_keys(NOW + timedelta(minutes=1)) == 0  # the claim may still be somebody's
    assert warn_of_expiring_keys(NOW + expiring.CLAIM_LASTS) == 1
    assert len(mail.outbox) == 1


def test_two_ticks_at_once_send_one_mail(admin, monkeypatch):
    make_key(expires_at=days(5).date())
    first = expiring.send_mail

    def meanwhile(*arguments, **options):
        assert warn_of_expiring_keys(NOW) == 0
        return first(*arguments, **options)

    monkeypatch.setattr(expiring, "send_mail", meanwhile)
    assert warn_of_expiring_keys(NOW) == 1
    assert len(mail.outbox) == 1


def test_a_step_has_one_row():
    key = make_key(expires_at=days(5).date())
    row = {"api_key": key, "expires_at": key.expires_at, "step": 7, "next_try_at": NOW}
    ExpiryWarning.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExpiryWarning.objects.create(**row)


def test_nothing_due_costs_one_query(admin, django_assert_num_queries):
    make_key(expires_at=days(5).date())
    make_key(expires_at=days(500).date())
    warn_of_expiring_keys(NOW)
    with django_assert_num_queries(1):
        assert warn_of_expiring_keys(NOW) == 0


def test_it_goes_out_while_the_master_switch_is_off(admin):
    SystemSettings.objects.update_or_create(pk=1, defaults={"enabled": False})
    make_key(expires_at=days(5).date())
    assert warn_of_expiring_keys(NOW) == 1


def test_a_warned_key_can_be_deleted(admin):
    key = make_key(expires_at=days(5).date())
    warn_of_expiring_keys(NOW)
    remove_key(key)
    assert not ExpiryWarning.objects.exists()
