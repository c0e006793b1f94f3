"""Microsoft 365: reports that may be HTML only"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="microsoft365",
        source="Microsoft 365",
        marks=(
            "couldn't be delivered. * wasn't found at",
            "rejected your message to the following e",
            "action required recipient unknown to address",
            "error details for email admins",
            "more info for email admins",
            "for email admins",
            "original message details",
            "message hops",
        ),
    ),
)
