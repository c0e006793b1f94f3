"""Apache James"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="james",
        source="Apache James",
        marks=(
            "this is the james mail server at",
            "error message below",
            "failed recipient(s):",
        ),
        leads=("rcpt to:",),
    ),
)
