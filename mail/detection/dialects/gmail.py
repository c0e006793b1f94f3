"""Gmail and Google Workspace"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="gmail",
        source="Gmail",
        marks=(
            "delivery to the following recipient failed permanently",
            "delivery to the following recipients failed permanently",
            "delivery to the following recipient has been delayed",
            "technical details of permanent failure",
            "technical details of temporary failure",
            "** address not found **",
            "** message not delivered **",
            "** message blocked **",
            "** delivery incomplete **",
            "** message rejected **",
            "** recipient inbox full **",
            "the group you tried to contact",
        ),
    ),
    Dialect(
        name="googlegroups",
        source="Google Groups",
        marks=("we're writing to let you know that the group you tried to contact",),
    ),
)
