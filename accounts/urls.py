"""Signing in and out, passwords, the customer's own profile and team."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import security_views, views
from accounts.impersonating import hide_secrets, spare_credentials

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/code/", security_views.CodePage.as_view(), name="login-code"),
    path("logout/", login_not_required(LogoutView.as_view()), name="logout"),
    path("password/forgotten/", views.AskReset.as_view(), name="password_reset"),
    path("password/sent/", views.ResetAsked.as_view(), name="password_reset_done"),
    path("password/set/<uidb64>/<token>/", views.SetPassword.as_view(), name="password_reset_confirm"),
    path("password/change/", spare_credentials(views.ChangePassword.as_view()), name="password_change"),
    path("profile/", spare_credentials(views.ProfilePage.as_view()), name="profile"),
    path("security/", spare_credentials(security_views.SecurityPage.as_view()), name="security"),
    path("security/second-factor/", hide_secrets(security_views.EnrolPage.as_view()), name="second-factor"),
    path(
        "security/second-factor/off/",
        spare_credentials(security_views.TurnOffPage.as_view()),
        name="second-factor-off",
    ),
    path("team/", views.TeamPage.as_view(), name="team"),
    path("team/invite/", spare_credentials(views.InvitePage.as_view()), name="team-invite"),
    path("team/<int:pk>/", spare_credentials(views.MemberPage.as_view()), name="team-member"),
]
