"""Yahoo and its Japanese sister"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="yahoo",
        source="Yahoo",
        marks=(
            "sorry, we were unable to deliver your message to the following address",
            "unable to deliver message to the following address(es)",
            "unable to deliver message to the following address",
        ),
    ),
)
