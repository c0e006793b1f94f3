"""Japanese mobile carriers and providers"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="kddi",
        source="au by KDDI",
        marks=(
            "your mail sent on:",
            "your mail attempted to be delivered on:",
        ),
        leads=(
            "could not be delivered to:",
            "attempted to be delivered to:",
        ),
    ),
    Dialect(
        name="ezweb",
        source="EZweb",
        marks=(
            "each of the following recipients was rejected",
            "the following recipients did not receive this message",
            "the user(s) account is disabled",
            "your message was not delivered within",
        ),
    ),
    Dialect(
        name="biglobe",
        source="Biglobe",
        marks=("non-delivered information",),
    ),
    Dialect(
        name="mfilter",
        source="m-FILTER",
        marks=(
            "以下のメールアドレスへの送信に失敗しました",
            "-------server message",
        ),
    ),
)
