"""Mails with a link to set a password: for those who forgot theirs and those who were invited."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from accounts.forms import ResetForm
from accounts.models import AuditEntry, Customer
from mail.addresses import normalize_address

ASKED = "ask for a password link"
MOST_PER_ADDRESS, MOST_PER_CALLER = 5, 50
MOST_INVITATIONS = 20


def is_asked_too_often(email: str, caller: str) -> bool:
    """Count this request of `caller` (IP) for `email`; true where either has had its share for this hour.

    Callers behind one proxy share an IP, so theirs is the larger share.
    """
    since, email_key = timezone.now() - timedelta(hours=1), normalize_address(email)[:320]
    asked = AuditEntry.objects.filter(customer__isnull=True, action=ASKED, at__gte=since)
    for_address, by_caller = asked.filter(object_name=email_key), asked.filter(acting_as=caller)
    too_often = for_address.count() >= MOST_PER_ADDRESS or by_caller.count() >= MOST_PER_CALLER
    AuditEntry.objects.create(action=ASKED, object_name=email_key, acting_as=caller)
    return too_often


def has_invited_too_often(customer: Customer) -> bool:
    """Whether the customer's owners have sent their share of invitations for this hour."""
    since = timezone.now() - timedelta(hours=1)
    sent = AuditEntry.objects.for_customer(customer).filter(action="invite", at__gte=since)
    return sent.count() >= MOST_INVITATIONS


def send_password_mail(email: str, request: HttpRequest) -> None:
    """Send the link to the active user of `email`; nobody hears of it where there is none."""
    form = ResetForm({"email": email})
    if form.is_valid():
        form.save(
            request=request,
            use_https=request.is_secure(),
            subject_template_name="accounts/password_mail_subject.txt",
            email_template_name="accounts/password_mail.txt",
        )
