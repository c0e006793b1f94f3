"""Courier"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="courier",
        source="Courier",
        marks=(
            "running the courier mail server",
            "this is a delivery status notification from",
            "your message to the following recipients cannot be delivered",
        ),
    ),
)
