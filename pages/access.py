"""Who may see and who may change: the one place that decides it for every portal page."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.views import View

from accounts.models import Customer, SystemSettings, User
from accounts.switches import INACTIVE
from accounts.tenancy import CustomerQuerySet
from pages.features import Feature

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

VIEWER = (
    "You can look at everything here but change nothing: your role is viewer. "
    "An owner of your team can give you the manager role under Team."
)
LOCKED = (
    "This server is locked by the platform: it keeps running, and only the platform's administrators "
    "can change it."
)


class PortalPage(View):
    """A page of one customer. `feature` closes it (404); `writes` closes its GET to viewers as well."""

    feature: Feature | None = None
    writes = False
    # For what is a matter of the browser alone, such as how a page looks.
    viewers_may_post = False
    request: HttpRequest
    customer: Customer
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        assert isinstance(user, User)  # LoginRequiredMiddleware sent everyone else to sign in
        if user.customer is None:
            return redirect("admin:index")
        self.user, self.customer = user, user.customer
        if not user.customer.is_active:
            return deny(request, INACTIVE)
        if self.feature and not self.feature.is_on(user.customer, SystemSettings.load()):
            raise Http404
        is_write = request.method not in SAFE_METHODS and not self.viewers_may_post
        if (self.writes or is_write) and not user.may_write:
            return deny(request, VIEWER)
        try:
            response = super().dispatch(request, *args, **kwargs)
        except PermissionDenied as refusal:
            return deny(request, str(refusal))
        # Nothing of a customer stays in a shared browser once they have signed out.
        add_never_cache_headers(response)
        return response


def deny(request: HttpRequest, reason: str) -> HttpResponse:
    """The 403 page, which says why and who can help."""
    return render(request, "pages/denied.html", {"title": "Not possible", "reason": reason}, status=403)


def own_rows(model: type[models.Model], customer: Customer) -> CustomerQuerySet[Any]:
    """The rows of `model` that are the customer's own."""
    rows = model._default_manager.all()
    assert isinstance(rows, CustomerQuerySet)
    return rows.for_customer(customer)


def own_row(rows: models.QuerySet[Any], pk: int) -> Any:
    """One of the customer's rows; 404 for everybody else's, as if it did not exist."""
    return get_object_or_404(rows, pk=pk)
