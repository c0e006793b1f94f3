"""API keys in the portal."""

from django.urls import path

from keys.forms import ApiKeyForm
from keys.models import ApiKey
from keys.removing import remove_key
from keys.resources import ApiKeyResource
from keys.tables import API_KEYS, servers_that_stop
from keys.views import KeyPage, VerifyPage
from pages import features
from pages.routes import pages
from pages.sections import Section

SECTION = Section(
    model=ApiKey,
    slug="api-keys",
    title="API keys",
    singular="API key",
    intro="Credentials of your own Microsoft 365 or Google Workspace. Secrets are sealed and never shown again.",
    feature=features.API_KEYS,
    table=API_KEYS,
    form_class=ApiKeyForm,
    resource_class=ApiKeyResource,
    remove=remove_key,
    consequences=servers_that_stop,
    side_template="keys/verify.html",
    help_template="keys/where_from.html",
)

urlpatterns = [
    path("api-keys/<int:pk>/", KeyPage.as_view(section=SECTION), name="api-keys-edit"),
    path("api-keys/<int:pk>/verify/", VerifyPage.as_view(section=SECTION), name="api-keys-verify"),
    *pages(SECTION),
]
