"""The lists of API bounce servers and of the bounce log."""

from __future__ import annotations

from django.contrib.admin import display

from bounces import verbs
from bounces.models import Bounce, BounceType
from pages.badges import Badge, Tone
from pages.tables import Action, Empty, Table
from servers.tables import mailboxes_left_alone, server_actions, server_connected, server_key, server_status

BOUNCE_SERVERS = Table(
    columns=("name", "provider", "email", server_key, server_connected, server_status),
    search=("name__icontains", "email_key__icontains"),
    search_hint="Name or address",
    filters=("provider", "status", "api_key"),
    actions=(
        *server_actions(mailboxes_left_alone),
        Action(
            verbs.undo_last_runs,
            "Undo last run",
            icon="undo",
            with_act=True,
            is_danger=True,
            is_atomic=False,
            consequences=verbs.last_runs,
        ),
    ),
    related=("api_key",),
    order_by=("name", "pk"),
    empty=Empty(
        "No API bounce servers yet",
        "A bounce server reads a mailbox for bounces and complaints, and takes the addresses that fail "
        "out of your lists.",
    ),
)

TYPE_TONES = {
    BounceType.HARD: (Tone.BAD, "cross"),
    BounceType.SOFT: (Tone.WARNING, "clock"),
    BounceType.COMPLAINT: (Tone.BAD, "megaphone"),
    BounceType.INTERNAL: (Tone.QUIET, "dash"),
}


@display(description="Type", ordering="type")
def bounce_type(bounce: Bounce) -> Badge:
    tone, icon = TYPE_TONES[BounceType(bounce.type)]
    return Badge(bounce.get_type_display(), tone, icon, bounce.diagnostic[:300])


@display(description="Campaign")
def bounce_campaign(bounce: Bounce) -> str:
    return bounce.campaign.name if bounce.campaign else ""


BOUNCES = Table(
    columns=("recipient", "created_at", bounce_type, "status_code", bounce_campaign, "effect"),
    search=("recipient_key__startswith",),
    search_hint="Address begins with",
    filters=("type", "campaign", "effect_state", "created_at"),
    related=("campaign",),
    is_log=True,
    actions=(
        Action(verbs.undo, "Undo", icon="undo", with_act=True, is_danger=True, is_atomic=False),
        Action(
            verbs.undo_reports,
            "Undo whole reports",
            icon="undo",
            with_act=True,
            is_danger=True,
            is_atomic=False,
        ),
        Action(
            verbs.apply_alike,
            "Apply what is held",
            with_act=True,
            is_atomic=False,
            consequences=verbs.held_with_them,
        ),
        Action(
            verbs.drop_alike,
            "Drop what is held",
            icon="trash",
            with_act=True,
            is_danger=True,
            consequences=verbs.held_with_them,
        ),
    ),
    empty=Empty(
        "No bounces",
        "Bounces and complaints that your bounce servers recognise are listed here with what they did.",
    ),
)
