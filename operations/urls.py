"""The dashboard, help, and the log of what a team did."""

from django.urls import URLPattern, URLResolver, path

from accounts.models import AuditEntry
from operations import views
from operations.tables import ACTIVITY
from pages.routes import pages
from pages.sections import Section

SECTION = Section(
    model=AuditEntry,
    slug="activity",
    title="Activity",
    singular="entry",
    intro="What your team changed, and what the platform changed for you. Secrets are left out.",
    table=ACTIVITY,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.DashboardPage.as_view(), name="dashboard"),
    path("steps/", views.SkipStepsPage.as_view(), name="first-steps"),
    path("help/", views.HelpPage.as_view(), name="help"),
    path("help/microsoft/", views.SetupPage.as_view(provider="microsoft"), name="setup-microsoft"),
    path("help/google/", views.SetupPage.as_view(provider="google"), name="setup-google"),
    *pages(SECTION),
]
