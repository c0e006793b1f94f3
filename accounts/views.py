"""Signing in and out, passwords, the customer's own profile and team."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts.auditing import audit, snapshot
from accounts.forms import CustomerSettingsForm, InviteForm, MemberForm, ProfileForm, ResetForm, SignInForm
from accounts.models import Customer, User
from accounts.resetting import has_invited_too_often, is_asked_too_often, send_password_mail
from accounts.sessions import keep_session
from accounts.signing_in import ask_for_code, home_of
from accounts.switches import INACTIVE

ONLY_OWNERS = "Only owners of your team can change who belongs to it."


@method_decorator(login_not_required, name="dispatch")
class SignIn(auth_views.LoginView):
    """Sign in by email, on both faces; backend staff go on to the admin, customers to their dashboard."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"title": "Sign in"}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)  # the form found it
        if not user.has_second_factor:
            return super().form_valid(form)
        ask_for_code(self.request, user, self.get_redirect_url(), timezone.now())
        return redirect("login-code")

    def get_success_url(self) -> str:
        user = self.request.user
        assert isinstance(user, User)  # signed in by now
        return home_of(user, self.get_redirect_url())


@method_decorator(login_not_required, name="dispatch")
class AskReset(auth_views.PasswordResetView):
    """Send the link for a new password; the answer does not tell whether the address is known."""

    template_name = "accounts/reset.html"
    form_class = ResetForm
    success_url = reverse_lazy("password_reset_done")
    extra_context = {"title": "Forgotten password"}

    def form_valid(self, form: Any) -> HttpResponse:
        if not is_asked_too_often(form.cleaned_data["email"], self.request.META.get("REMOTE_ADDR", "")):
            send_password_mail(form.cleaned_data["email"], self.request)
        return redirect(self.get_success_url())


@method_decorator(login_not_required, name="dispatch")
class ResetAsked(auth_views.PasswordResetDoneView):
    """The mail is on its way, if the address is known."""

    template_name = "accounts/reset_done.html"
    extra_context = {"title": "Look into your inbox"}


@method_decorator(login_not_required, name="dispatch")
class SetPassword(auth_views.PasswordResetConfirmView):
    """Set a password with the link of a mail."""

    template_name = "accounts/set_password.html"
    success_url = reverse_lazy("login")
    extra_context = {"title": "Set your password"}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        audit(form.user, "set password", form.user)
        messages.success(self.request, "Your password was set. Sign in with it.")
        return response


@method_decorator(never_cache, name="dispatch")
class ChangePassword(auth_views.PasswordChangeView):
    """Change one's own password; other sessions end."""

    template_name = "accounts/account_form.html"
    success_url = reverse_lazy("profile")
    extra_context = {"title": "Change password", "submit": "Change password"}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        keep_session(self.request)
        audit(form.user, "change password", form.user)
        messages.success(self.request, "Your password was changed. Other browsers are signed out.")
        return response


class AccountPage(View):
    """A page about a customer's own account; the backend has its own."""

    user: User
    customer: Customer

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        assert isinstance(user, User)  # LoginRequiredMiddleware sent everyone else to sign in
        if user.customer is None:
            return redirect("admin:index")
        self.user, self.customer = user, user.customer
        if not user.customer.is_active:
            return self.deny(INACTIVE)
        response = super().dispatch(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    def deny(self, reason: str) -> HttpResponse:
        return render(
            self.request, "pages/denied.html", {"title": "Not possible", "reason": reason}, status=403
        )


class ProfilePage(AccountPage):
    """One's own name; for owners the company's time zone as well."""

    def forms(self, data: Any = None) -> dict[str, Any]:
        wants = (data or {}).get("form", "")
        forms = {"profile": ProfileForm(data if wants == "profile" else None, instance=self.user)}
        if self.user.is_owner:
            company = CustomerSettingsForm(data if wants == "company" else None, instance=self.customer)
            forms["company"] = company  # type: ignore[assignment]  # both are model forms
        return forms

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "accounts/profile.html", {"title": "Profile", "forms": self.forms()})

    def post(self, request: HttpRequest) -> HttpResponse:
        forms = self.forms(request.POST)
        form = forms.get(request.POST.get("form", ""))
        if form is None:
            return self.deny("Only owners of your team can change the company's settings.")
        before = snapshot(type(form.instance).objects.get(pk=form.instance.pk))
        if not form.is_valid():
            return render(request, "accounts/profile.html", {"title": "Profile", "forms": forms})
        audit(self.user, "edit", form.save(), before=before, after=snapshot(form.instance))
        messages.success(request, "Saved.")
        return redirect("profile")


class TeamPage(AccountPage):
    """Who belongs to the customer's team."""

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"title": "Team", "members": self.customer.users.order_by("email")}
        return render(request, "accounts/team.html", context)


class InvitePage(AccountPage):
    """An owner invites somebody, who sets a password by the link in a mail."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_owner", True):
            self.setup(request)
            return self.deny(ONLY_OWNERS)
        return super().dispatch(request, *args, **kwargs)

    def show(self, form: InviteForm) -> HttpResponse:
        context = {
            "title": "Invite somebody",
            "form": form,
            "submit": "Send invitation",
            "back": reverse("team"),
        }
        return render(self.request, "accounts/account_form.html", context)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(InviteForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = InviteForm(request.POST, instance=User(customer=self.customer))
        if has_invited_too_often(self.customer):
            return self.deny("Your team has sent many invitations within the last hour. Try again later.")
        if not form.is_valid():
            return self.show(form)
        with transaction.atomic():
            form.instance.set_unusable_password()
            user = form.save()
            audit(self.user, "invite", user, after=snapshot(user))
        send_password_mail(user.email, request)
        messages.success(request, f"{user.email} gets a mail with a link to set a password.")
        return redirect("team")


class MemberPage(AccountPage):
    """An owner changes a member's role, or whether they may sign in."""

    def member(self, pk: int) -> User:
        return get_object_or_404(self.customer.users, pk=pk)

    def show(self, form: MemberForm) -> HttpResponse:
        context = {
            "title": form.instance.email,
            "form": form,
            "submit": "Save changes",
            "back": reverse("team"),
        }
        return render(self.request, "accounts/account_form.html", context)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        member = self.member(pk)
        return self.show(MemberForm(instance=member)) if self.user.is_owner else self.deny(ONLY_OWNERS)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        member = self.member(pk)
        if not self.user.is_owner:
            return self.deny(ONLY_OWNERS)
        before = snapshot(member)
        form = MemberForm(request.POST, instance=member)
        if not form.is_valid():
            return self.show(form)
        audit(self.user, "edit", form.save(), before=before, after=snapshot(form.instance))
        messages.success(request, f"{member.email} was saved.")
        return redirect("team")
