"""How Django admin looks: django-unfold's title, colours and sidebar."""

from collections.abc import Callable
from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def asset(path: str) -> Callable[[Any], str]:
    """A static file's address, found when a page asks for it."""
    return lambda _request: static(path)


def link(title: str, name: str, icon: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}")}


def group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "collapsible": False, "items": list(items)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "API Connect",
    "SITE_HEADER": "API Connect",
    "SITE_SUBHEADER": "Backend",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": asset("favicon.svg")}],
    "STYLES": [asset("backend/backend.css")],
    "SCRIPTS": [asset("backend/landmarks.js")],
    "ACCOUNT": {"navigation": [{"title": "Sign-in security", "link": reverse_lazy("security")}]},
    "DASHBOARD_CALLBACK": "operations.backend_dashboard.dashboard",
    "GLOBAL_CALLBACK": "operations.backend_dashboard.banners",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            group("", link("Dashboard", "index", "dashboard")),
            group(
                "Servers",
                link("Delivery servers", "servers_deliveryserver_changelist", "outgoing_mail"),
                link("API bounce servers", "bounces_bounceserver_changelist", "undo"),
                link("API monitors", "monitors_monitor_changelist", "visibility"),
            ),
            group(
                "API Connect",
                link("Settings", "accounts_systemsettings_changelist", "tune"),
                link("Manage API Keys", "keys_apikey_changelist", "key"),
                link("Tokens", "keys_token_changelist", "vpn_key"),
            ),
            group(
                "Customers",
                link("Customers", "accounts_customer_changelist", "apartment"),
                link("Customer groups", "accounts_customergroup_changelist", "groups"),
                link("Users", "accounts_user_changelist", "person"),
            ),
            group(
                "Audience",
                link("Mailing lists", "audience_mailinglist_changelist", "list_alt"),
                link("Subscribers", "audience_subscriber_changelist", "contacts"),
                link("Blacklist", "audience_blacklistentry_changelist", "block"),
                link("Campaign groups", "audience_campaigngroup_changelist", "folder"),
                link("Journal", "audience_change_changelist", "history"),
            ),
            group(
                "Campaigns and logs",
                link("Campaigns", "campaigns_campaign_changelist", "campaign"),
                link("Delivery log", "campaigns_delivery_changelist", "outbox"),
                link("Bounce log", "bounces_bounce_changelist", "report"),
                link("Bounce phrases", "bounces_bouncephrase_changelist", "rule"),
                link("Monitor hits", "monitors_monitorhit_changelist", "bolt"),
                link("Mailboxes", "mailboxes_mailbox_changelist", "inbox"),
                link("Sync history", "mailboxes_syncrun_changelist", "manage_history"),
                link("Processed messages", "mailboxes_processedmessage_changelist", "mark_email_read"),
            ),
            group(
                "Operations",
                link("System status", "operations_status", "monitor_heart"),
                link("Cycles", "operations_cycle_changelist", "sync"),
                link("Refused sign-ins", "axes_accessattempt_changelist", "lock_clock"),
                link("Audit log", "accounts_auditentry_changelist", "policy"),
            ),
        ],
    },
}
