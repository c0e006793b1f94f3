"""Signing in and out, passwords, the customer's own profile and team."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views
from accounts.impersonating import spare_credentials

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", login_not_required(LogoutView.as_view()), name="logout"),
    path("password/forgotten/", views.AskReset.as_view(), name="password_reset"),
    path("password/sent/", views.ResetAsked.as_view(), name="password_reset_done"),
    path("password/set/<uidb64>/<token>/", views.SetPassword.as_view(), name="password_reset_confirm"),
    path("password/change/", spare_credentials(views.ChangePassword.as_view()), name="password_change"),
    path("profile/", spare_credentials(views.ProfilePage.as_view()), name="profile"),
    path("team/", views.TeamPage.as_view(), name="team"),
    path("team/invite/", spare_credentials(views.InvitePage.as_view()), name="team-invite"),
    path("team/<int:pk>/", spare_credentials(views.MemberPage.as_view()), name="team-member"),
]
