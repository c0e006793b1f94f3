"""A mail seen as a possible report: its parts by role, its sender, and the message it returns."""

from __future__ import annotations

import re2

from mail.detection.addresses import addresses_in, first_address
from mail.detection.contacts import contacts_in
from mail.detection.lazy import lazy
from mail.detection.mime import Headers, Message, Part, parameter, parse_header, split_header
from mail.detection.notices import TELLING, Notice, notices_in
from mail.detection.returned import cut_returned, find_id_line, header_lines
from mail.detection.text import header_text, part_bytes, part_text

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
DISPOSITION_TYPES = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
FEEDBACK_TYPES = frozenset({"message/feedback-report"})
OTHER_KINDS = frozenset({Notice.REPLY, Notice.RECEIPT, Notice.CHALLENGE})
OTHER_REPORTS = frozenset({"", "disposition-notification", "tlsrpt"})
STATUS_STARTS = (b"reporting-mta:", b"original-envelope-id:", b"final-recipient:", b"x-postfix-queue-id:")
RETURNED_TYPES = frozenset(
    {
        "message/rfc822",
        "message/global",
        "message/global-headers",
        "message/rfc822-headers",
        "message/partial",
        "text/rfc822-headers",
        "text/rfc822-header",
        "text/rfc822",
    }
)
RETURNED_STARTS = (
    b"Received:",
    b"Return-Path:",
    b"Return-path:",
    b"X-Originating-IP:",
    b"Message-ID:",
    b"Message-Id:",
)

DAEMONS = (
    "mailer-daemon",
    "mailer daemon",
    "mailerdaemon",
    "mail-daemon",
    "maildaemon",
    "mdaemon",
    "postmaster",
    "poostmaster",
    "post_master",
    "mail delivery s",
    "mail deliver s",
    "mail delivery service",
    "delivery subsystem",
    "mail administrator",
    "mail server at",  # Courier
    "mail system",
    "mail-system",
    "mailsystem",
    "content-filter at",
    "interscan",
    "microsoft outlook",
    "microsoftexchange",
    "bounce-notification",
    "mailer@",
    "smtp-daemon",
    "autoresponder@",
)
# What clients in many languages put before the subject of an answer or a forward.
ANSWER_PREFIXES = frozenset(
    word
    for words in (
        ("re", "fw", "fwd", "r", "i", "reply", "forwarded message"),
        ("aw", "wg", "antwort", "weitergeleitet", "tr", "rép", "réf", "rv", "enc", "res"),
        ("antw", "doorst", "odp", "pd", "sv", "vs", "vb", "bls", "ynt", "ilt"),
        ("转发", "回复", "答复", "轉寄", "回覆", "返信", "転送"),
    )
    for word in words
)
# What filters put before the subject of mail from outside or under suspicion, reports included.
FILTER_PREFIX = re2.compile(
    r"(?:[\[({<*]{1,3} ?(?:ext|extern|externa|externe|externer|externo|external|esterno|outside|untrusted"
    r"|(?:suspected |possible |probable |likely )?(?:spam|junk|bulk)\??"
    r"|external (?:e-?mail|sender|message)) ?[\])}>*]{1,3}:?\s*)+"
)


def is_status_attachment(part: Part) -> bool:
    """Whether a part that is called an attachment is a status part by what it begins with."""
    if part.type.startswith(("text/", "message/")):
        return False
    return part_bytes(part)[:200].lstrip().lower().startswith(STATUS_STARTS)


class Report:
    """A mail opened for detection, every costly piece of it made when first asked for."""

    def __init__(self, message: Message) -> None:
        self.headers = message.headers
        self.type = message.type
        self.status_parts: list[Part] = []
        self.feedback_parts: list[Part] = []
        self.returned_parts: list[Part] = []
        self.text_parts: list[Part] = []
        self.is_disposition = False
        for part in message.parts:
            self._sort_in(part)

    def _sort_in(self, part: Part) -> None:
        if part.type in STATUS_TYPES or is_status_attachment(part):
            self.status_parts.append(part)
        elif part.type in RETURNED_TYPES:
            self.returned_parts.append(part)
        elif part.type in FEEDBACK_TYPES:
            self.feedback_parts.append(part)
        elif part.type in DISPOSITION_TYPES:
            self.is_disposition = True
        elif part.type.startswith("text/"):
            if self.text_parts and part.body.lstrip()[:20].startswith(RETURNED_STARTS):
                self.returned_parts.append(part)
            else:
                self.text_parts.append(part)

    @lazy
    def subject(self) -> str:
        """The subject, lower case, encoded words decoded, without what a filter put before it."""
        subject = header_text(self.headers, "subject").lower().lstrip()
        prefix = FILTER_PREFIX.match(subject)
        return subject[prefix.end() :] if prefix is not None else subject

    @lazy
    def subject_kinds(self) -> dict[Notice, str]:
        """What the subject says the mail is."""
        return notices_in(self.subject)

    @lazy
    def report_type(self) -> str:
        """The report-type of a multipart/report (RFC 6522), lower case; "" where it is another type."""
        is_report = self.type == "multipart/report"
        return parameter(self.headers, "report-type").lower() or "unnamed" if is_report else ""

    @lazy
    def is_report_type(self) -> bool:
        """Whether the mail says that it is a delivery or feedback report."""
        return self.report_type not in OTHER_REPORTS

    @lazy
    def is_from_daemon(self) -> bool:
        """Whether a mail system rather than a person or a service appears as the sender."""
        sender = self.headers.get("from", "").lower()
        if "=?" in sender:
            sender = header_text(self.headers, "from").lower()
        return sender in ("", "<>") or any(daemon in sender for daemon in DAEMONS)

    @lazy
    def is_from_machine(self) -> bool:
        """Whether anything in the header says that no person wrote this."""
        # Replies are automatic too; mail systems that mark reports so are daemons by name.
        automatic = self.headers.get("auto-submitted", "no").lower().replace("auto-replied", "no")
        return (
            self.is_from_daemon
            or "x-failed-recipients" in self.headers
            or self.headers.get("return-path") in ("<>", "")
            or not automatic.startswith("no")
        )

    @lazy
    def is_reply(self) -> bool:
        """Whether the subject is that of an automatic reply, a receipt or a challenge."""
        return not OTHER_KINDS.isdisjoint(self.subject_kinds)

    @lazy
    def is_answer(self) -> bool:
        """Whether the mail looks like an answer, a forward or list mail."""
        prefix, colon, _ = self.subject.partition(":")
        if colon and prefix.rstrip("0123456789[]()^ ") in ANSWER_PREFIXES:
            return True
        return any(name in self.headers for name in ("list-id", "list-unsubscribe", "list-post"))

    @lazy
    def is_passed_on(self) -> bool:
        """Whether a person answers or forwards a report: some programs keep its type and its status part."""
        return self.is_answer and not self.is_from_machine and "auto-submitted" not in self.headers

    @lazy
    def returns_ours(self) -> bool:
        """Whether the mail returns a message that its reader sent, and says so in its subject too.

        The subject repeats that of the message, or names whom it was for.
        """
        returned = self.returned
        sender = first_address(returned.get("from", "")).lower()
        if not sender or not returned.get("message-id") or sender not in self.headers.get("to", "").lower():
            return False
        subject = header_text(returned, "subject").lower()
        recipient = first_address(returned.get("to", "")).lower()
        return bool(subject and subject in self.subject) or bool(recipient and recipient in self.subject)

    @lazy
    def tells_in_subject(self) -> bool:
        """Whether the subject speaks of a failure, a delay or a report."""
        return not TELLING.isdisjoint(self.subject_kinds)

    @lazy
    def is_quoting(self) -> bool:
        """Whether the mail looks like that of a ticket system, or of a person, that quotes a notice."""
        return self.subject.startswith("[") or self.notice.startswith(">") or "\n>" in self.notice

    @lazy
    def body(self) -> tuple[str, str]:
        """What the system wrote, and what follows it of the returned message."""
        if not self.text_parts:
            return "", ""
        plain = [part for part in self.text_parts if part.type != "text/html"]
        best = plain[0] if plain else self.text_parts[0]
        text = part_text(best)
        if len(text.strip()) < 20 and len(self.text_parts) > 1:
            text = "\n".join(part_text(part) for part in self.text_parts[:4])
        return cut_returned(text)

    @property
    def notice(self) -> str:
        """What the system wrote for people to read."""
        return self.body[0]

    @lazy
    def notice_words(self) -> str:
        """The subject and the beginning of the notice, lower case, on one line."""
        return self.subject + " \n " + " ".join(self.notice[:6000].lower().replace("’", "'").split())

    @lazy
    def returned(self) -> Headers:
        """The header fields of the returned message, as far as they came back."""
        headers: Headers = {}
        for part in self.returned_parts[:2]:
            body = (
                part_bytes(part)
                if part.headers.get("content-transfer-encoding", "")[:1] in "bBqQ"
                else part.body
            )
            found = split_header(body)[0] if b"\n\n" in body[:200_000] else parse_header(body[:100_000])
            headers = {**found, **headers}
        if not headers and self.body[1]:
            headers = parse_header(header_lines(self.body[1]).encode("utf-8", "replace"))
        if "message-id" not in headers and self.returned_parts:
            headers["message-id"] = find_id_line(self.returned_parts[0].body)
        return headers

    @lazy
    def failed_recipients(self) -> list[str]:
        """The addresses of Exim's and Gmail's X-Failed-Recipients field."""
        return addresses_in(self.headers.get("x-failed-recipients", ""))

    @lazy
    def own_addresses(self) -> frozenset[str]:
        """Who this mail is from and to: seldom a failed recipient."""
        names = ("from", "to", "delivered-to", "x-original-to", "envelope-to")
        found = {address.lower() for name in names for address in addresses_in(self.headers.get(name, ""), 5)}
        found.add(first_address(self.returned.get("return-path", "")).lower())
        found.add(first_address(self.returned.get("from", "")).lower())
        found.discard("")
        return frozenset(found)

    @lazy
    def bystanders(self) -> frozenset[str]:
        """Our own addresses and those the notice says to write to instead: the latter live."""
        return self.own_addresses | contacts_in(self.notice)

    @lazy
    def charset(self) -> str:
        """The charset the notice declares."""
        return parameter(self.text_parts[0].headers, "charset") if self.text_parts else ""
