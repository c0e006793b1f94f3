"""Answers that people and their absence notes write to a message they received."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from sandbox import mime


@dataclass(frozen=True)
class Script:
    """What one address answers. `automatic` is an absence note (RFC 3834), which quotes nothing."""

    text: str
    automatic: bool = False
    with_html: bool = True
    signature: str = "Ada Example\nReceiver Ltd, +49 30 000000"
    delay_seconds: float = 0.0


SCRIPTS: dict[str, Script] = {
    "vacation": Script(
        "I am out of the office until Monday and will answer your message then.", automatic=True
    ),
    "reply-stop": Script("STOP"),
    "reply-unsubscribe": Script("Please unsubscribe me from this list."),
    "reply-wrong-person": Script("You have the wrong person, I am no longer in charge of this."),
}


def script_for(local_part: str) -> Script | None:
    """`reply-any-words` answers with those words."""
    if local_part in SCRIPTS:
        return SCRIPTS[local_part]
    if local_part.startswith("reply-"):
        return Script(local_part.removeprefix("reply-").replace("-", " "))
    return None


def compose_reply(original: bytes, replier: str, script: Script, now: float) -> tuple[str, bytes]:
    """The address it goes to, and the reply. It answers Reply-To, else From (RFC 5322 3.6.2)."""
    seen = mime.digest(original)
    to = (seen.reply_to or (seen.sender,))[0]
    reply = EmailMessage(policy=SMTP)
    reply["From"] = formataddr((script.signature.partition("\n")[0], replier))
    reply["To"] = formataddr(to)
    prefix = "Automatic reply:" if script.automatic else "Re:"
    reply["Subject"] = f"{prefix} {seen.subject}".strip()
    reply["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    reply["Message-ID"] = make_msgid(domain=replier.rpartition("@")[2] or "receiver.example")
    _thread(reply, original, seen.message_id)
    if script.automatic:
        reply["Auto-Submitted"] = "auto-replied"
        reply["X-Auto-Response-Suppress"] = "All"
        reply.set_content(f"{script.text}\n\n{script.signature}\n")
    else:
        _write(reply, script, seen, now)
    return to[1], reply.as_bytes()


def _thread(reply: EmailMessage, original: bytes, message_id: str) -> None:
    if not message_id:
        return
    earlier = str(mime.read_headers(original).get("References", "")).split()
    reply["In-Reply-To"] = message_id
    reply["References"] = " ".join([*earlier, message_id])


def _write(reply: EmailMessage, script: Script, seen: mime.Digest, now: float) -> None:
    when = datetime.fromtimestamp(now, UTC).strftime("%a, %d %b %Y at %H:%M")
    lead = f"On {when}, {formataddr(seen.sender)} wrote:"
    quoted = "\n".join(f"> {line}" for line in (seen.text or as_text(seen.html)).splitlines())
    reply.set_content(f"{script.text}\n\n-- \n{script.signature}\n\n{lead}\n\n{quoted}\n")
    if script.with_html:
        original = seen.html or f"<pre>{html.escape(seen.text)}</pre>"
        signature = html.escape(script.signature).replace("\n", "<br>")
        reply.add_alternative(
            f'<div dir="ltr">{html.escape(script.text)}</div><div>-- <br>{signature}</div><br>'
            f'<div class="gmail_quote"><div>{html.escape(lead)}<br></div>'
            f'<blockquote class="gmail_quote">{original}</blockquote></div>',
            subtype="html",
        )


def as_text(page: str) -> str:
    """HTML as a mail program quotes it: tags gone, the targets of links kept."""
    linked = re.sub(r"""<a\s[^<>]*href=["']?([^"'\s<>]+)[^<>]*>([^<]*)</a>""", r"\2 <\1>", page, flags=re.I)
    broken = re.sub(r"<(?:br|/p|/div|/tr|/h\d)[^<>]*>", "\n", linked, flags=re.I)
    return html.unescape(re.sub(r"<(?!https?:)[^<>]*>", "", broken)).strip()
