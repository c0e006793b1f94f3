"""Campaigns and the delivery log in the portal."""

from typing import Any

from django.core.exceptions import ValidationError
from django.urls import path

from campaigns import views
from campaigns.forms import CampaignForm, campaign_lock
from campaigns.models import Campaign, Delivery
from campaigns.resources import CampaignResource, DeliveryResource
from campaigns.tables import CAMPAIGNS, DELIVERIES
from pages.routes import pages
from pages.sections import Section


def remove_campaign(campaign: Campaign, _actor: Any) -> None:
    """Delete a campaign that has sent nothing; the log of one that has must stay true."""
    if campaign.deliveries.exists():
        raise ValidationError("It has deliveries, which stay in the log. Cancel it instead.")
    campaign.delete()


SECTION = Section(
    model=Campaign,
    slug="campaigns",
    title="Campaigns",
    singular="campaign",
    table=CAMPAIGNS,
    form_class=CampaignForm,
    resource_class=CampaignResource,
    remove=remove_campaign,
    lock_reason=campaign_lock,
    side_template="campaigns/side.html",
)
LOG = Section(
    model=Delivery,
    slug="deliveries",
    title="Deliveries",
    singular="delivery",
    intro="Every message of your campaigns, the newest first.",
    table=DELIVERIES,
    resource_class=DeliveryResource,
    can_import=False,
    detail_template="campaigns/delivery.html",
    detail_view=views.DeliveryPage,
)

urlpatterns = [
    path("campaigns/<int:pk>/", views.CampaignPage.as_view(section=SECTION), name="campaigns-edit"),
    path(
        "campaigns/<int:pk>/progress/", views.ProgressPage.as_view(section=SECTION), name="campaigns-progress"
    ),
    path("campaigns/<int:pk>/do/", views.CampaignVerbPage.as_view(section=SECTION), name="campaigns-do"),
    path("campaigns/<int:pk>/files/", views.AttachPage.as_view(section=SECTION), name="campaigns-files"),
    path("campaigns/<int:pk>/test/", views.TestMessagePage.as_view(section=SECTION), name="campaigns-test"),
    path("campaigns/<int:pk>/preview/", views.PreviewPage.as_view(section=SECTION), name="campaigns-preview"),
    path("campaigns/<int:pk>/frame/", views.PreviewFrame.as_view(section=SECTION), name="campaigns-frame"),
    *pages(SECTION),
    *pages(LOG),
    path("deliveries/<int:pk>/do/", views.DeliveryVerbPage.as_view(section=LOG), name="deliveries-do"),
]
