"""Pages for the readers of a campaign: no login, nothing to guess, nothing changed by a GET."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from campaigns.models import TrackedLink
from campaigns.unsubscribing import find_subscription


@login_not_required
@csrf_exempt  # RFC 8058: the mail provider posts without our cookie; the signed ticket is the proof.
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, ticket: str) -> HttpResponse:
    """A page with one button; a POST of it, or a mail program's one click, unsubscribes."""
    subscription = find_subscription(ticket)
    if subscription is None:
        raise Http404("This unsubscribe link is not complete. Copy the whole address from the message.")
    if request.method != "POST":
        return render(request, "campaigns/public/unsubscribe.html", {"subscription": subscription})
    one_click = request.POST.get("List-Unsubscribe") == "One-Click"
    subscription.end(timezone.now(), how="One-click unsubscribe" if one_click else "Unsubscribe link")
    return render(request, "campaigns/public/unsubscribed.html", {"subscription": subscription})


@login_not_required
@require_GET
def follow_link(_request: HttpRequest, code: str, subscriber_uid: str) -> HttpResponse:
    """Lead on to the stored address and nowhere else; the uid only says whose click it was."""
    link = get_object_or_404(TrackedLink, code=code)
    TrackedLink.objects.filter(pk=link.pk).update(clicks=F("clicks") + 1)
    response = HttpResponseRedirect(link.url)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
