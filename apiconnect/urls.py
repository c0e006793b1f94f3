"""The URL table: the backend at /admin/, the portal at /, public links and health beside them."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import SignIn
from operations import health
from operations.metrics.exposition import metrics

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    # One sign-in for both faces: the second factor is asked for on either.
    path("admin/login/", SignIn.as_view()),
    path("admin/", admin.site.urls),
    path("", include("campaigns.public_urls")),
    path("", include("accounts.urls")),
    path("", include("operations.urls")),
    path("", include("keys.urls")),
    path("", include("servers.urls")),
    path("", include("bounces.urls")),
    path("", include("monitors.urls")),
    path("", include("audience.urls")),
    path("", include("campaigns.urls")),
    path("", include("mailboxes.urls")),
]
