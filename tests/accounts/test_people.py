"""Who is staff and who is a customer's: held by the database itself."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.auditing import audit, snapshot
from accounts.models import SystemSettings, User
from tests.factories import make_admin, make_customer, make_key, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_user_without_customer_is_staff_and_one_with_a_customer_is_not():
    assert make_user().is_staff
    assert not make_user(make_customer()).is_staff


@pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}, {"customer": None}])
def test_no_update_makes_a_customers_user_staff(change):
    user = make_user(make_customer())
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(**change)


def test_a_customer_with_rows_cannot_be_deleted():
    customer = make_customer()
    make_key(customer)
    with pytest.raises(ProtectedError):
        customer.delete()


def test_an_address_signs_in_once_however_it_is_written():
    make_user(make_customer(), email="Ada@Example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user(make_customer(), email="ada@EXAMPLE.com")
    assert User.objects.get_by_natural_key(" ADA@example.com").email == "Ada@Example.com"


def test_there_is_one_row_of_settings():
    first = SystemSettings.load()
    SystemSettings(enabled=False).save()
    assert SystemSettings.objects.count() == 1
    first.refresh_from_db()
    assert not first.enabled


def test_the_audit_log_keeps_what_changed_and_masks_secrets():
    key = make_key(make_customer())
    before = snapshot(key)
    key.name = "Renamed"
    entry = audit(make_admin(email="root@example.com"), "changed", key, before=before, after=snapshot(key))
    assert entry.after == {"name": "Renamed"}
    assert entry.customer_id == key.customer_id
    assert "secret" not in str(before)
