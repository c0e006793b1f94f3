"""Forms for signing in, passwords, the profile and the team."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import Customer, User
from mail.addresses import normalize_address


class SignInForm(AuthenticationForm):
    """Email and password. The address is normalised first, so that spelling variants share one lockout."""

    error_messages = {
        "invalid_login": "This email address and password do not fit together. After several wrong tries "
        "signing in is closed for a quarter of an hour.",
        "inactive": "This user is deactivated. Ask an owner of your team, or the platform's administrators.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Email address"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True}
        )

    def clean_username(self) -> str:
        return normalize_address(self.cleaned_data["username"])

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if user.customer and not user.customer.is_active:
            raise ValidationError(
                "Your company's account is switched off. Please ask the platform's administrators."
            )


class CodeForm(forms.Form):
    """A code of the authenticator app; at sign-in a backup code as well."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class PasswordForm(forms.Form):
    """Asks for the password once more; wrong ones count as at sign-in."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, request: HttpRequest) -> None:
        super().__init__(data)
        self.request = request

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user = self.request.user
        assert isinstance(user, User)  # pages behind signing in show it
        if authenticate(self.request, username=user.email, password=password) != user:
            raise ValidationError("This is not your password.")
        return password


class EnrolForm(PasswordForm, CodeForm):
    """The first code of an app, and the password."""

    field_order = ("code", "password")


class ResetForm(PasswordResetForm):
    """Ask for a mail with a link to set a new password; says the same whether the address is known or not."""

    def get_users(self, email: str) -> Any:
        """The active user of this address; an invited one has no password yet and may set the first."""
        return User.objects.filter(email_key=normalize_address(email), is_active=True)


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """A user's own name."""

    class Meta:
        model = User
        fields = ("name",)


class CustomerSettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """What a customer's owner sets for the whole company."""

    timezone = forms.ChoiceField(
        label="Time zone", help_text="Every time on these pages is shown in it; schedules are read in it."
    )

    class Meta:
        model = Customer
        fields = ("timezone",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["timezone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


ROLES = "Owners manage the team, managers change everything else, viewers look."


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """A new member of the customer's team."""

    class Meta:
        model = User
        fields = ("email", "name", "role")
        help_texts: ClassVar = {"role": ROLES}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever is to own the team as well is made an owner on purpose.
        self.initial["role"] = User.Role.MANAGER

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email_key=normalize_address(email)).exists():
            raise ValidationError("Somebody signs in with this address already.")
        return email


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """A member's role and whether they may sign in; a team never loses its last owner."""

    class Meta:
        model = User
        fields = ("name", "role", "is_active")
        labels: ClassVar = {"is_active": "May sign in"}
        help_texts: ClassVar = {"role": ROLES}

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        stays_owner = values.get("role") == User.Role.OWNER and values.get("is_active")
        others = User.objects.filter(
            customer=self.instance.customer_id, role=User.Role.OWNER, is_active=True
        ).exclude(pk=self.instance.pk)
        if not stays_owner and not others.exists():
            raise ValidationError("This is the team's last owner. Make somebody else an owner first.")
        return values
