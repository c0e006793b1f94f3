"""OpenSMTPD"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="opensmtpd",
        source="OpenSMTPD",
        marks=(
            "this is the mailer-daemon, please do not reply to this",
            "an error has occurred while attempting to deliver a message",
            "a message is delayed for more than",
        ),
    ),
)
