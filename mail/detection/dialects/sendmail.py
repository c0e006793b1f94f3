"""Sendmail and its relatives: the session transcript"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="sendmail",
        source="Sendmail 8, X1, AOL",
        marks=(
            "the following addresses had permanent fatal errors",
            "the following addresses had delivery problems",
            "the following addresses had transient non-fatal errors",
            "the following addresses had delivery errors",
            "the following addresses had permanent delivery errors",
            "----- transcript of session follows",
            "the original message was received at",
        ),
    ),
    Dialect(
        name="sendmail5",
        source="Sendmail 5",
        marks=(
            "----- unsent message follows -----",
            "unsent message follows",
        ),
    ),
)
