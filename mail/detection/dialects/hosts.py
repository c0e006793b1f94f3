"""Smaller systems with a wording of their own"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="zoho",
        source="Zoho",
        marks=("invalid address, error_code",),
    ),
    Dialect(
        name="gmx",
        source="GMX, 1&1",
        marks=("the following address failed:",),
    ),
    Dialect(
        name="facebook",
        source="Facebook",
        marks=("this message was created automatically by facebook",),
    ),
    Dialect(
        name="messagingserver",
        source="Oracle Messaging Server",
        marks=(
            "this report relates to a message you sent with the following header fields",
            "your message cannot be delivered to the following recipients",
        ),
        leads=("recipient address:",),
    ),
    Dialect(
        name="mailru",
        source="Mail.ru",
        marks=(
            "это письмо создано автоматически сервером mail.ru",
            "это письмо создано автоматически",
        ),
    ),
    Dialect(
        name="mercury",
        source="Mercury",
        marks=(
            "delivery of the attached message failed",
            "the message had the following",
        ),
    ),
    Dialect(
        name="mdaemon",
        source="MDaemon",
        marks=(
            "mdaemon has identified your message as undeliverable",
            "the attached message had permanent fatal delivery errors",
            "the attached message has non-fatal delivery errors",
            "session transcript:",
        ),
    ),
    Dialect(
        name="neosoft",
        source="smail",
        marks=(
            "message log follows:",
            "failed addresses follow:",
        ),
    ),
    Dialect(
        name="x6",
        source="SMTP service",
        marks=("the following recipients returned permanent errors:",),
        leads=("the following recipients returned permanent errors:",),
    ),
    Dialect(
        name="psmtp",
        source="Postini",
        marks=("your mail message to the following address(es) could not be delivered",),
    ),
    Dialect(
        name="xmail",
        source="XMail",
        marks=("xmail bounce: rcpt=",),
        leads=("rcpt=[",),
    ),
    Dialect(
        name="verizon",
        source="Verizon",
        marks=("message could not be delivered to mobile",),
        leads=("rcpt to:",),
    ),
)
