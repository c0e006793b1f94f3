"""The two steps of signing in: the password, then for those who have one the second factor."""

from __future__ import annotations

from datetime import datetime, timedelta

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import login, user_login_failed
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.secondfactor import verify

AWAITING = "awaiting_code"
CODE_WITHIN = timedelta(minutes=5)
BACKEND = "django.contrib.auth.backends.ModelBackend"


def ask_for_code(request: HttpRequest, user: User, next_url: str, now: datetime) -> None:
    """Note that this browser knows the password of `user`; nobody is signed in by that."""
    request.session[AWAITING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "at": now.timestamp(),
        "next": next_url,
    }


def who_awaits(request: HttpRequest, now: datetime) -> User | None:
    """Whose password this browser gave within the last minutes, if it is still theirs."""
    pending = request.session.get(AWAITING)
    if not pending or now.timestamp() - pending["at"] > CODE_WITHIN.total_seconds():
        return None
    user = User.objects.select_related("customer").filter(pk=pending["user"], is_active=True).first()
    return user if user and user.get_session_auth_hash() == pending["hash"] else None


def sign_in_with_code(request: HttpRequest, user: User, code: str, now: datetime) -> bool:
    """Sign `user` in if the code is right. A wrong one counts like a wrong password (django-axes)."""
    credentials = {"username": user.email}
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True  # type: ignore[attr-defined]  # its middleware answers
        return False
    if not verify(user, code, now):
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        return False
    request.session.pop(AWAITING, None)
    login(request, user, backend=BACKEND)
    return True


def home_of(user: User, next_url: str = "") -> str:
    """Where `user` goes on: to the page they asked for, if it is on their face."""
    backend = reverse("admin:index")
    if user.customer_id is None:
        return next_url or backend
    return reverse("dashboard") if not next_url or next_url.startswith(backend) else next_url
