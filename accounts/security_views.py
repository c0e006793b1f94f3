"""The second step of signing in, the second factor, and the browsers in which one is signed in; on both faces."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from accounts import secondfactor
from accounts.auditing import audit
from accounts.forms import CodeForm, EnrolForm, PasswordForm
from accounts.models import User
from accounts.sessions import current_row, describe_browser, end_other_sessions, keep_session, sessions_of
from accounts.signing_in import AWAITING, home_of, sign_in_with_code, who_awaits

WRONG_CODE = (
    "This code is wrong, was used before, or has run out. Type the one that the app shows now, and see that "
    "your telephone's clock is right. After several wrong codes none is taken for a quarter of an hour."
)
TOO_LATE = "Signing in took too long. Please begin again."


@method_decorator([login_not_required, never_cache], name="dispatch")
class CodePage(FormView):  # type: ignore[type-arg]  # generic in the stubs alone
    """The second step of signing in: a code of the app, or a backup code."""

    template_name = "accounts/code.html"
    form_class = CodeForm
    extra_context = {"title": "Second step"}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = who_awaits(request, timezone.now())
        if user is None:
            if AWAITING in request.session:
                messages.error(request, TOO_LATE)
            return redirect("login")
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        next_url = self.request.session[AWAITING]["next"]
        if sign_in_with_code(self.request, self.user, form.cleaned_data["code"], timezone.now()):
            return redirect(home_of(self.user, next_url))
        form.add_error("code", WRONG_CODE)
        return self.form_invalid(form)


@method_decorator(never_cache, name="dispatch")
class OwnPage(View):
    """A page about one's own sign-in, for customers' users and backend staff alike."""

    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        assert isinstance(user, User)  # LoginRequiredMiddleware sent everyone else to sign in
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def show(self, template: str, title: str, **context: Any) -> HttpResponse:
        layout = "accounts/staff.html" if self.user.customer_id is None else "portal.html"
        return render(self.request, template, {"title": title, "layout": layout, **context})


class SecurityPage(OwnPage):
    """Whether the second factor is on, and where one is signed in; its POST signs out everywhere else."""

    def get(self, request: HttpRequest) -> HttpResponse:
        # The admin's own page for a new password knows nothing of this browser's row.
        keep_session(request)
        current = current_row(request)
        sessions = [
            {"row": row, "browser": describe_browser(row.user_agent), "is_current": row.pk == current}
            for row in sessions_of(self.user, timezone.now())
        ]
        has_factor = self.user.has_second_factor
        left = len(self.user.second_factor.backup_codes) if has_factor else 0
        context = {"sessions": sessions, "has_factor": has_factor, "codes_left": left}
        return self.show("accounts/security.html", "Sign-in security", **context)

    def post(self, request: HttpRequest) -> HttpResponse:
        end_other_sessions(request)
        audit(self.user, "sign out everywhere else", self.user)
        messages.success(request, "Every other browser is signed out.")
        return redirect("security")


class EnrolPage(OwnPage):
    """Set up an authenticator app: a QR code, then its first code; then the backup codes, this one time."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User) and request.user.has_second_factor:
            return redirect("security")
        return super().dispatch(request, *args, **kwargs)

    def form_page(self, form: EnrolForm) -> HttpResponse:
        factor = secondfactor.begin(self.user)
        context = {"form": form, "image": secondfactor.enrolment_image(factor), "secret": factor.secret}
        return self.show("accounts/enrol.html", "Set up a second factor", **context)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(EnrolForm(request=request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EnrolForm(request.POST, request=request)
        if not form.is_valid():
            return self.form_page(form)
        codes = secondfactor.confirm(self.user, form.cleaned_data["code"], timezone.now())
        if not codes:
            form.add_error("code", WRONG_CODE)
            return self.form_page(form)
        audit(self.user, "turn on second factor", self.user)
        end_other_sessions(request)
        return self.show("accounts/backup_codes.html", "Your backup codes", codes=codes)


class TurnOffPage(OwnPage):
    """Turn the second factor off, by the password."""

    def form_page(self, form: PasswordForm) -> HttpResponse:
        return self.show("accounts/turn_off.html", "Turn the second factor off", form=form)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(PasswordForm(request=request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordForm(request.POST, request=request)
        if not form.is_valid():
            return self.form_page(form)
        if secondfactor.turn_off(self.user):
            audit(self.user, "turn off second factor", self.user)
        messages.success(request, "The second factor is off. Your password alone signs you in.")
        return redirect("security")
