"""Mails with a link to set a password: for those who forgot theirs and those who were invited."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.forms import ResetForm
from accounts.models import AuditEntry
from mail.addresses import normalize_address

ASKED = "ask for a password link"
MOST_PER_HOUR = 5


def is_asked_too_often(email: str, address: str) -> bool:
    """Count this request of `address` (IP) for `email`; true where either has had its share for this hour."""
    since = timezone.now() - timedelta(hours=1)
    email_key = normalize_address(email)
    who = Q(object_name=email_key) | Q(acting_as=address)
    asked = AuditEntry.objects.filter(who, action=ASKED, at__gte=since).count()
    AuditEntry.objects.create(action=ASKED, object_name=email_key[:320], acting_as=address)
    return asked >= MOST_PER_HOUR


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
