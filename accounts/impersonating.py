"""A superuser goes on as a customer's user: started in the backend, audited on both sides, one way back."""

from __future__ import annotations

from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.auditing import audit
from accounts.models import User

SESSION_KEY = "impersonated_by"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def impersonate(request: HttpRequest, target: User) -> None:
    """Go on as `target`, an active user of a customer. Raises PermissionDenied for anyone but a superuser."""
    admin = request.user
    if not isinstance(admin, User) or not admin.is_superuser or SESSION_KEY in request.session:
        raise PermissionDenied("Only a superuser can log in as a customer's user.")
    if target.customer is None or not target.is_active or not target.customer.is_active:
        raise PermissionDenied("Only an active user of an active customer can be logged in as.")
    audit(admin, "log in as", target, acting_as=target.email)
    login(request, target, backend=BACKEND)
    request.session[SESSION_KEY] = admin.pk


def stop_impersonating(request: HttpRequest) -> User:
    """Back to the superuser who started it. Raises PermissionDenied where nobody did, or no longer may."""
    admin = impersonator(request)
    if admin is None:
        raise PermissionDenied("This session did not start in the backend.")
    target = request.user
    audit(admin, "log out as", target, acting_as=target.email)  # type: ignore[arg-type, union-attr]  # signed in
    login(request, admin, backend=BACKEND)
    return admin


def impersonator(request: HttpRequest) -> User | None:
    """The superuser behind this session, or None where the user is who they say."""
    pk = request.session.get(SESSION_KEY)
    return User.objects.filter(pk=pk, is_superuser=True, is_active=True).first() if pk else None
