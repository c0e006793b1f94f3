"""Postfix: bounce(8), https://www.postfix.org/bounce.8.html"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="postfix",
        source="Postfix",
        marks=(
            "this is the mail system at host",
            "this is the postfix program at host",
            "this is the email security gateway at host",
            "i'm sorry to have to inform you that",
            "transcript of session follows. out: 220",
        ),
    ),
)
