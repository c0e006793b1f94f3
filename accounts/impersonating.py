"""A superuser goes on as a customer's user: started in the backend, audited on both sides, one way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token

from accounts.auditing import audit, behind
from accounts.models import User
from accounts.sessions import NOTED

View = Callable[..., HttpResponseBase]

IMPERSONATED_BY = "impersonated_by"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def impersonate(request: HttpRequest, target: User) -> None:
    """Go on as `target`, an active user of a customer. Raises PermissionDenied for anyone but a superuser."""
    admin = request.user
    if not isinstance(admin, User) or not admin.is_superuser or IMPERSONATED_BY in request.session:
        raise PermissionDenied("Only a superuser can log in as a customer's user.")
    if target.customer is None or not target.is_active or not target.customer.is_active:
        raise PermissionDenied("Only an active user of an active customer can be logged in as.")
    audit(admin, "log in as", target, acting_as=target.email)
    _become(request, target)
    request.session[IMPERSONATED_BY] = admin.pk


def stop_impersonating(request: HttpRequest) -> User:
    """Back to the superuser who started it. Raises PermissionDenied where nobody did, or no longer may."""
    admin = impersonator(request)
    if admin is None:
        raise PermissionDenied("This session did not start in the backend.")
    target = request.user
    audit(target, "log out as", target)  # type: ignore[arg-type]  # signed in; the audit names the superuser
    _become(request, admin)
    return admin


class NameTheAdmin:
    """Middleware: what is audited while a superuser is logged in as somebody else names the superuser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = behind.set(impersonator(request))
        try:
            return self.get_response(request)
        finally:
            behind.reset(token)


def spare_credentials(view: View) -> View:
    """For pages of passwords and the team: whoever is logged in as somebody else only looks at them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and IMPERSONATED_BY in request.session:
            raise PermissionDenied(
                "Passwords and the team stay as they are while you are logged in as somebody."
            )
        return view(request, *args, **kwargs)

    return guarded


def hide_secrets(view: View) -> View:
    """For pages that show a secret of their user: whoever is logged in as somebody else does not see them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if IMPERSONATED_BY in request.session:
            raise PermissionDenied("The second factor is its user's alone; you are logged in as somebody.")
        return view(request, *args, **kwargs)

    return guarded


def impersonator(request: HttpRequest) -> User | None:
    """The superuser behind this session, or None where the user is who they say."""
    pk = request.session.get(IMPERSONATED_BY)
    return User.objects.filter(pk=pk, is_superuser=True, is_active=True).first() if pk else None


def _become(request: HttpRequest, user: User) -> None:
    """A new session as `user`, as `login` makes one; but nobody signed in, so no time and no signal of it."""
    noted = request.session.get(NOTED)
    request.session.flush()
    # The superuser's own browser, whoever they go on as.
    request.session[NOTED] = noted
    request.session[SESSION_KEY] = str(user.pk)
    request.session[BACKEND_SESSION_KEY] = BACKEND
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.user = user
    rotate_token(request)
