"""Campaigns in the portal, and the links in their messages."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("campaigns.public_urls")),
]
