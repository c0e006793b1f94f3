"""The backend's pages for users: passwords, roles, and logging in as a customer's user."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.password_validation import validate_password
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.forms import AdminPasswordChangeForm, BaseDialogForm
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.backend import BackendAdmin, button
from accounts.badges import EMPTY, Tone, badge, lines, link, moment
from accounts.impersonating import impersonate, stop_impersonating
from accounts.models import User
from accounts.secondfactor import turn_off


class UserForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A user's rights: backend staff exactly when no customer is chosen."""

    class Meta:
        labels: ClassVar = {"is_active": "active", "is_superuser": "superuser", "groups": "backend roles"}
        help_texts: ClassVar = {
            "is_superuser": "May do everything, and log in as a customer's user.",
            "groups": "Support looks at everything and changes nothing; an operator runs servers, keys and lists.",
        }

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("customer") is not None and (values.get("is_superuser") or values.get("groups")):
            raise forms.ValidationError(
                "A customer's user cannot be a superuser or hold a backend role. Clear these or the customer."
            )
        if self.initial.get("customer") and "customer" in values and values["customer"] is None:
            raise forms.ValidationError("A customer's user never becomes backend staff. Create another user.")
        return values


class NewUserForm(UserForm):
    """A new user with a first password."""

    password1 = forms.CharField(label="Password", widget=UnfoldAdminPasswordWidget, strip=False)
    password2 = forms.CharField(label="Password again", widget=UnfoldAdminPasswordWidget, strip=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        first, second = values.get("password1"), values.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords differ. Type the same one twice.")
        return values

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's hook, absent from its stubs
        password = self.cleaned_data.get("password1")
        if password:
            try:
                validate_password(password, self.instance)
            except forms.ValidationError as error:
                self.add_error("password1", error)

    def save(self, commit: bool = True) -> User:
        self.instance.set_password(self.cleaned_data["password1"])
        user: User = super().save(commit)
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin, BackendAdmin):  # type: ignore[misc, type-arg]  # two untyped looks of one class
    """Users of customers, and backend staff, whom superusers alone may touch."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("email",)
    search_fields = ("email", "name")
    list_display = ("person", "customer", "kind", "state", "signed_in")
    list_filter = (("customer", AutocompleteSelectFilter), "role", "is_active", "is_superuser")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    filter_horizontal = ()
    readonly_fields: ClassVar = ("signed_in", "password_link", "second_factor_state")
    fieldsets: ClassVar = (
        (
            None,
            {"fields": ("email", "name", "is_active", "password_link", "second_factor_state", "signed_in")},
        ),
        (
            "Customer",
            {"fields": ("customer", "role"), "description": "Without a customer this is backend staff."},
        ),
        ("Backend staff", {"fields": ("is_superuser", "groups")}),
    )
    add_fieldsets: Any = (
        (None, {"fields": ("email", "name", "password1", "password2")}),
        (
            "Customer",
            {"fields": ("customer", "role"), "description": "Without a customer this is backend staff."},
        ),
        ("Backend staff", {"fields": ("is_superuser", "groups")}),
    )
    actions_detail = ("log_in_as", "reset_second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    # --- columns

    @display(description="user", ordering="email")
    def person(self, row: User) -> SafeString:
        return lines(row.email, row.name)

    @display(description="role")
    def kind(self, row: User) -> SafeString:
        if row.customer_id is not None:
            return badge(row.get_role_display(), Tone.INFO, "person")
        if row.is_superuser:
            return badge("Superuser", Tone.WARNING, "shield_person")
        roles = ", ".join(group.name for group in row.groups.all())
        return badge(roles or "Staff without a role", Tone.QUIET, "badge")

    @display(description="status", ordering="is_active")
    def state(self, row: User) -> SafeString:
        if row.is_active:
            return badge("Active", Tone.GOOD, "check_circle")
        return badge("Inactive", Tone.QUIET, "pause_circle")

    @display(description="last signed in", ordering="last_login")
    def signed_in(self, row: User) -> SafeString:
        return moment(row.last_login)

    @display(description="password")
    def password_link(self, row: User) -> SafeString:
        if row.pk is None:
            return EMPTY
        return link(reverse("admin:auth_user_password_change", args=[row.pk]), "Set a new password")

    # --- the second factor

    @display(description="second factor")
    def second_factor_state(self, row: User) -> SafeString:
        if row.pk is not None and row.has_second_factor:
            return badge("On", Tone.GOOD, "verified_user")
        return badge("Off", Tone.QUIET, "remove")

    @button(
        "Reset second factor",
        icon="no_encryption",
        permission="log_in_as",
        asks="For somebody who lost both telephone and backup codes: the password alone signs them in again, "
        "until they set up a new one. Make sure first that it is really them who asks.",
        form=BaseDialogForm,
    )
    def reset_second_factor(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        user = get_object_or_404(User, pk=object_id)
        if turn_off(user):
            self.audit(request, "reset second factor", user)
            self.message_user(request, f"The second factor of {user.email} is off.", messages.SUCCESS)
        else:
            self.message_user(request, f"{user.email} has no second factor.", messages.WARNING)
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[user.pk]))

    # --- passwords and the audit

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            self.audit(request, "change password", get_object_or_404(User, pk=id))
        return response

    # --- logging in as a customer's user

    def get_urls(self) -> list[URLPattern]:
        # Not an admin page: whoever is logged in as a customer's user must be able to go back.
        back = path("return/", require_POST(self.return_to_backend), name="accounts_user_return")
        return [back, *super().get_urls()]

    def has_log_in_as_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.is_superuser) if request.user.is_authenticated else False

    @button("Log in as this user", icon="switch_account", permission="log_in_as")
    def log_in_as(self, request: HttpRequest, object_id: str) -> HttpResponse:
        target = get_object_or_404(User.objects.select_related("customer"), pk=object_id)
        if request.method == "POST":
            impersonate(request, target)
            return HttpResponseRedirect(reverse("dashboard"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Log in as {target.email}?",
            "target": target,
        }
        return TemplateResponse(request, "admin/log_in_as.html", {**context, "opts": self.model._meta})

    def return_to_backend(self, request: HttpRequest) -> HttpResponse:
        target = request.user.pk
        stop_impersonating(request)
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[target]))
