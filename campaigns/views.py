"""A campaign's page: its progress, its verbs, a preview and a test message; and a delivery's attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.auditing import audit
from audience.models import Subscriber
from campaigns import verbs
from campaigns.attaching import attach
from campaigns.checking import check_campaign
from campaigns.claiming import own_servers
from campaigns.composing import tag_values
from campaigns.forms import TestMessageForm
from campaigns.models import Campaign, Delivery
from campaigns.progress import progress_of
from campaigns.questions import Question, ask_of_campaign, ask_of_delivery
from campaigns.tables import campaign_status
from mail.tags import Template
from pages.access import own_row
from pages.editing import EditPage
from pages.lists import DetailPage, SectionPage
from servers.models import DeliveryServer

Status = Campaign.Status
# What can be done to a campaign of each status: verb, button, what it does.
CAMPAIGN_VERBS: dict[str, Callable[..., None]] = {
    "release": verbs.mark_ready,
    "pause": verbs.pause,
    "resume": verbs.resume,
    "cancel": verbs.cancel,
}
OFFERED: dict[str, tuple[tuple[str, str, str], ...]] = {
    Status.DRAFT: (("release", "Release for sending", "send"),),
    Status.READY: (("pause", "Pause", "pause"), ("cancel", "Cancel", "cross")),
    Status.SENDING: (("pause", "Pause", "pause"), ("cancel", "Cancel", "cross")),
    Status.PAUSED: (("resume", "Resume", "play"), ("cancel", "Cancel", "cross")),
}
DELIVERY_VERBS: dict[str, tuple[str, Callable[..., None]]] = {
    "retry": ("Try again", verbs.retry_delivery),
    "release": ("Release", verbs.release_delivery),
    "cancel": ("Cancel", verbs.cancel_delivery),
}
OFFERED_FOR_DELIVERY: dict[str, tuple[str, ...]] = {
    Delivery.Status.FAILED: ("retry",),
    Delivery.Status.DEFERRED: ("retry", "cancel"),
    Delivery.Status.UNKNOWN: ("release", "cancel"),
    Delivery.Status.QUEUED: ("cancel",),
}
# Seconds between two looks at a campaign that moves, and at one whose time has not come.
MOVING, WAITING = 5, 60
# The customer's own HTML, without scripts, forms, frames or this site's cookies.
PREVIEW_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-ancestors 'self'"
)


def state_of(campaign: Campaign) -> dict[str, Any]:
    """What a campaign's side panel shows."""
    problems = (
        check_campaign(campaign, list(own_servers(campaign))) if campaign.status == Status.DRAFT else []
    )
    return {
        "progress": progress_of(campaign, timezone.now()),
        "badge": campaign_status(campaign),
        "problems": problems,
        "offered": OFFERED.get(campaign.status, ()),
        "files": campaign.attachments.defer("content").annotate(size=Length("content")),
        "look_every": seconds_between_looks(campaign),
    }


def seconds_between_looks(campaign: Campaign) -> int:
    """How often a page that is left open asks for news; 0 where none comes by itself."""
    if campaign.status == Status.READY and campaign.scheduled_at is not None:
        return MOVING if campaign.scheduled_at <= timezone.now() else WAITING
    return MOVING if campaign.status in {Status.READY, Status.SENDING} else 0


class CampaignPage(EditPage):
    """The editor, with state and verbs beside it."""

    def context(self, row: Any) -> dict[str, Any]:
        return (
            super().context(row)
            | state_of(row)
            | {"may_act": self.user.may_write, "test_form": TestMessageForm()}
        )


class ProgressPage(SectionPage):
    """The side panel alone, for live updates."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = own_row(self.rows(), pk)
        context = {"section": self.section, "row": row, "may_act": self.user.may_write} | state_of(row)
        return render(request, "campaigns/progress.html", context)


class VerbPage(SectionPage):
    """One verb on one row, asked about first where it cannot be taken back; a refusal is shown in its own words."""

    writes = True

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(self.section.url("edit", own_row(self.rows(), pk).pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = own_row(self.rows(), pk)
        question = None if "confirmed" in request.POST else self.question(row, request.POST)
        if question:
            return self.ask(row, question)
        try:
            self.act(row, request.POST)
        except ValidationError as refusal:
            for text in refusal.messages:
                messages.error(request, text)
        return redirect(self.section.url("edit", pk))

    def question(self, row: Any, data: Any) -> Question | None:
        """What a person must confirm before this is done."""
        return None

    def ask(self, row: Any, question: Question) -> HttpResponse:
        context = {
            "section": self.section,
            "title": question.title,
            "items": question.sentences,
            "button": question.button,
            "is_danger": question.is_danger,
            "hidden": [("verb", self.request.POST["verb"])],
            "back": self.section.url("edit", row.pk),
        }
        return render(self.request, "pages/confirm.html", context)

    def act(self, row: Any, data: Any) -> None:
        raise NotImplementedError


class CampaignVerbPage(VerbPage):
    """Release, pause, resume or cancel."""

    def question(self, row: Any, data: Any) -> Question | None:
        return ask_of_campaign(row, data.get("verb", ""), timezone.now())

    def act(self, row: Any, data: Any) -> None:
        verb = CAMPAIGN_VERBS.get(data.get("verb", ""))
        if verb is None:
            raise Http404
        verb(row, actor=self.user, now=timezone.now())
        row.refresh_from_db()
        messages.success(self.request, f"“{row.name}” is now {row.get_status_display().lower()}.")


class TestMessagePage(VerbPage):
    """Send the campaign to one address, without a trace in its figures."""

    def act(self, row: Any, data: Any) -> None:
        form = TestMessageForm(data)
        if not form.is_valid():
            raise ValidationError("Write the address the test goes to, such as you@example.com.")
        address = form.cleaned_data["address"]
        server = verbs.send_test_message(row, address, actor=self.user, now=timezone.now())
        messages.success(self.request, f"The test was sent to {address} through “{server.name}”.")


class AttachPage(VerbPage):
    """Add a file to a campaign that may be changed, or take one away."""

    def act(self, row: Any, data: Any) -> None:
        self.require_unlocked(row)
        if "remove" in data:
            gone = own_row(row.attachments, int(data["remove"]) if data["remove"].isdigit() else 0)
            gone.delete()
            audit(self.user, "detach", row, before={"file": gone.filename})
        elif upload := self.request.FILES.get("file"):
            attachment = attach(row, upload)
            audit(self.user, "attach", row, after={"file": attachment.filename})
            messages.success(self.request, f"“{attachment.filename}” goes out with the campaign.")
        else:
            raise ValidationError("Choose a file first.")


class DeliveryVerbPage(VerbPage):
    """Try again, release or cancel one delivery."""

    def question(self, row: Any, data: Any) -> Question | None:
        return ask_of_delivery(row, data.get("verb", ""))

    def act(self, row: Any, data: Any) -> None:
        if data.get("verb") not in DELIVERY_VERBS:
            raise Http404
        label, verb = DELIVERY_VERBS[data["verb"]]
        verb(row, actor=self.user, now=timezone.now())
        messages.success(self.request, f"{label}: done.")


class DeliveryPage(DetailPage):
    """One delivery with its attempts as a timeline."""

    def context(self, row: Any) -> dict[str, Any]:
        offered = [(verb, DELIVERY_VERBS[verb][0]) for verb in OFFERED_FOR_DELIVERY.get(row.status, ())]
        return super().context(row) | {
            "title": row.recipient,
            "attempts": row.attempts.select_related("server"),
            "bounces": row.bounces.all(),
            "offered": offered if self.user.may_write else [],
        }


class PreviewPage(SectionPage):
    """The mail as the list's first subscriber would get it, framed and shut in."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = own_row(self.rows().select_related("list"), pk)
        values = sample_values(campaign)
        context = {
            "section": self.section,
            "title": f"Preview of “{campaign.name}”",
            "row": campaign,
            "subject": Template.parse(campaign.subject).render_line(values),
            "plain": Template.parse(campaign.plain).render(values, html=False),
            "reader": values["EMAIL"],
        }
        return render(request, "campaigns/preview.html", context)


class PreviewFrame(SectionPage):
    """The HTML text alone, under a policy that lets it do nothing."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = own_row(self.rows().select_related("list"), pk)
        html = Template.parse(campaign.html).render(sample_values(campaign), html=True)
        return HttpResponse(
            html, headers={"Content-Security-Policy": PREVIEW_POLICY, "X-Frame-Options": "SAMEORIGIN"}
        )


def sample_values(campaign: Campaign) -> dict[str, str]:
    """The tags' values for the list's first subscriber, through the campaign's first server."""
    reader = campaign.list.subscribers.order_by("pk").first()
    server = campaign.delivery_servers.select_related("mailbox").first()
    return tag_values(
        campaign,
        reader or Subscriber(email="reader@example.com", uid="preview", fields={}),
        server or DeliveryServer(from_name=campaign.from_name or "Your name"),
    )
