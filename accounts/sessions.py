"""In which browsers a user is signed in, and signing out of all but this one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.models import BrowserSession, User

# What the session keeps: its row, and when that was last brought up to date.
NOTED = "browser_session"
NOTE_EVERY = timedelta(minutes=5)
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def note_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Receives `user_logged_in`: a row for this browser; those that are over go."""
    now = timezone.now()
    BrowserSession.objects.filter(user=user).exclude(_in_force(user, now)).delete()
    row = BrowserSession.objects.create(
        user=user,
        auth_hash=user.get_session_auth_hash(),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:300],
        ip_address=_ip_address(request),
        created_at=now,
        seen_at=now,
    )
    request.session[NOTED] = {"row": row.pk, "at": now.timestamp()}


def note_sign_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Receives `user_logged_out`, while the session is still there."""
    if row := current_row(request):
        BrowserSession.objects.filter(pk=row).delete()


class NoteLastSeen:
    """Middleware: brings the row of a browser up to date, every few minutes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        self.note(request, timezone.now())
        return self.get_response(request)

    def note(self, request: HttpRequest, now: datetime) -> None:
        noted = request.session.get(NOTED)
        # Asked before the user, whom finding costs a query; that in turn ends a session that is over.
        if noted is None or now.timestamp() - noted["at"] < NOTE_EVERY.total_seconds():
            return
        if not request.user.is_authenticated:
            return
        # While a superuser is logged in as somebody else the row is not that user's: nothing is noted.
        BrowserSession.objects.filter(pk=noted["row"], user=request.user.pk).update(
            seen_at=now, ip_address=_ip_address(request), auth_hash=request.session[HASH_SESSION_KEY]
        )
        request.session[NOTED] = {**noted, "at": now.timestamp()}


def sessions_of(user: User, now: datetime) -> QuerySet[BrowserSession]:
    """The browsers in which the user is signed in, the last used first."""
    return BrowserSession.objects.filter(_in_force(user, now), user=user).order_by("-seen_at", "-pk")


def current_row(request: HttpRequest) -> int | None:
    """The number of this browser's row."""
    noted = request.session.get(NOTED)
    return int(noted["row"]) if noted else None


def end_other_sessions(request: HttpRequest) -> None:
    """Sign the request's user out of every other browser."""
    user = request.user
    assert isinstance(user, User)  # pages behind signing in call it
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)
    keep_session(request)


def keep_session(request: HttpRequest) -> None:
    """After what ended all sessions but this one: its row is in force again."""
    auth_hash = request.session[HASH_SESSION_KEY]
    if row := current_row(request):
        BrowserSession.objects.filter(pk=row, user=request.user.pk).update(auth_hash=auth_hash)


def describe_browser(user_agent: str) -> str:
    """“Firefox on Windows”, as far as the browser says."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return " on ".join(filter(None, (browser or "A browser", system)))


def _in_force(user: User, now: datetime) -> Q:
    lasts = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return Q(auth_hash=user.get_session_auth_hash(), seen_at__gt=now - lasts)


def _ip_address(request: HttpRequest) -> str | None:
    address = request.META.get("REMOTE_ADDR", "")
    try:
        validate_ipv46_address(address)
    except ValidationError:
        return None  # a socket file, or a test
    return str(address)
