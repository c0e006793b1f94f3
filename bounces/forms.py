"""The form of API bounce servers."""

from __future__ import annotations

from bounces.models import BounceServer
from servers.forms import ReadingServerForm


class BounceServerForm(ReadingServerForm):
    """A mailbox that is read for bounces and complaints."""

    class Meta:
        model = BounceServer
        fields = (
            "customer",
            "name",
            "provider",
            "email",
            "api_key",
            "delete_processed",
            "processed_folder",
            "first_read",
            "first_read_from",
            "status",
            "locked",
        )
