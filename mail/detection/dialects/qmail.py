"""qmail and its relatives: QSBMF, https://cr.yp.to/proto/qsbmf.txt"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="qmail",
        source="qmail, netqmail, notqmail",
        marks=(
            "hi. this is the qmail-send program",
            "this is the qmail-send program",
            "i'm afraid i wasn't able to deliver your message to the following addresses",
            "i wasn't able to deliver your message",
            "this is a permanent error; i've given up",
            "i'm not going to try again; this message has been in the queue too long",
            "this is the machine generated message from mail service",
            "below this line is a copy of the message",
        ),
    ),
)
