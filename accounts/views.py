"""Signing in and out, passwords, the customer's own profile and team."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.urls import reverse
from django.utils.decorators import method_decorator


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """Sign in by email; backend staff go on to the admin, customers to their dashboard."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        if getattr(self.request.user, "customer_id", None) is None:
            return reverse("admin:index")
        return super().get_default_redirect_url()
