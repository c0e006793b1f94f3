"""The dashboard, help and the operators' endpoints."""

from django.urls import URLPattern, URLResolver, path

from operations import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.DashboardPage.as_view(), name="dashboard"),
    path("help/", views.HelpPage.as_view(), name="help"),
]
