"""Exim: transport and routing failures, https://www.exim.org"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="exim",
        source="Exim",
        marks=(
            "this message was created automatically by mail delivery software",
            "this message was created automatically by the smtp relay",
            "this message was created automatically by the mail system",
            "a message that you sent could not be delivered",
            "a message that you sent has not yet been delivered",
            "a message that you have sent could not be delivered",
            "the following address(es) failed",
            "the following addresses failed",
            "was rejected by the local scanning code",
            "message you sent contained no recipient",
        ),
    ),
)
