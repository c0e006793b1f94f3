"""Files that go out with a campaign: added and taken away while it is a draft or paused."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum
from django.db.models.functions import Length

from campaigns.models import Attachment, Campaign

MOST_FILES = 10
# Base64 makes it a third more, and receivers refuse larger mail long before the providers do.
MOST_BYTES = 10 * 1024 * 1024
# What mail providers block in any case: https://support.google.com/mail/answer/6590
REFUSED = {
    ".exe",
    ".bat",
    ".cmd",
    ".com",
    ".js",
    ".jse",
    ".jar",
    ".lnk",
    ".msi",
    ".ps1",
    ".scr",
    ".vbs",
    ".hta",
}


def attach(campaign: Campaign, upload: UploadedFile[Any]) -> Attachment:
    """Add an uploaded file. Raises ValidationError where it is too much, too large or of a refused type."""
    name = PurePath((upload.name or "").replace("\\", "/")).name[:150]
    if not name or PurePath(name).suffix.lower() in REFUSED:
        raise ValidationError(f"Mail providers refuse files like “{name}”. Link to it instead.")
    used = campaign.attachments.aggregate(bytes=Sum(Length("content")))["bytes"] or 0
    if campaign.attachments.count() >= MOST_FILES:
        raise ValidationError(f"At most {MOST_FILES} files fit. Take one away first.")
    if used + (upload.size or 0) > MOST_BYTES:
        raise ValidationError(
            f"Together the files would be larger than {MOST_BYTES // 1024 // 1024} MB, which many receivers "
            "refuse. Link to them instead."
        )
    kind = upload.content_type or "application/octet-stream"
    return Attachment.objects.create(
        campaign=campaign, filename=name, content_type=kind[:100], content=upload.read()
    )
