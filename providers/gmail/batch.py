"""Google's HTTP batch: many requests as parts of one multipart body.

https://developers.google.com/workspace/gmail/api/guides/batch: each part names itself by a Content-ID, its answer
comes back as "response-" and that name, in any order, and with a status of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from providers.api import Api, Content
from providers.messages import AccessToken, MessageRef
from providers.rounds import Outcome, Results, Rounds
from providers.session import Answer, header_map

PATH = "/batch/gmail/v1"


@dataclass(frozen=True, slots=True)
class Part:
    """One request inside a batch; `path` with its query, as in /gmail/v1/users/me/messages/x."""

    method: str
    path: str

    def to_bytes(self, name: str) -> bytes:
        """The part, called `name`."""
        length = "" if self.method == "GET" else "Content-Length: 0\r\n"
        return (
            f"Content-Type: application/http\r\nContent-ID: <{name}>\r\n\r\n"
            f"{self.method} {self.path} HTTP/1.1\r\nAccept: application/json\r\n{length}\r\n"
        ).encode()


@dataclass(frozen=True, slots=True)
class Batch:
    """Sends parts for messages, `size` in one request."""

    api: Api
    token: AccessToken
    size: int

    def run(
        self, refs: Sequence[MessageRef], part_for: Callable[[MessageRef], Part]
    ) -> Iterator[tuple[MessageRef, Outcome]]:
        """Each message with the answer to its part, or its own error."""
        rounds = Rounds(
            self.api.http,
            size=self.size,
            perform=lambda batch: self._perform(batch, part_for),
            error_for=self.api.error_for,
        )
        return rounds.run(refs)

    def _perform(self, batch: Sequence[MessageRef], part_for: Callable[[MessageRef], Part]) -> Results:
        parts = {f"part-{position}": part_for(ref) for position, ref in enumerate(batch)}
        answer = self.api.request(self.token, "POST", self.api.url(PATH), _content(parts))
        answers = _read_parts(answer)
        return {ref.id: answers.get(f"part-{position}") for position, ref in enumerate(batch)}


def _content(parts: Mapping[str, Part]) -> Content:
    boundary = f"batch_{uuid.uuid4().hex}"
    body = b"".join(
        b"--%s\r\n%s\r\n" % (boundary.encode(), part.to_bytes(name)) for name, part in parts.items()
    )
    return Content(b"%s--%s--\r\n" % (body, boundary.encode()), f'multipart/mixed; boundary="{boundary}"')


def _read_parts(answer: Answer) -> dict[str, Answer]:
    """The inner answers by part name; a part that cannot be read is left out."""
    header = Message()
    header["Content-Type"] = answer.headers.get("Content-Type", "")
    boundary = str(header.get_param("boundary") or "")
    if not boundary:
        return {}
    answers: dict[str, Answer] = {}
    for part in (b"\r\n" + answer.body).split(b"\r\n--" + boundary.encode())[1:-1]:
        outer, _, inner = part.partition(b"\r\n\r\n")
        name = str(_headers(outer).get("Content-ID", "")).strip().strip("<>").removeprefix("response-")
        parsed = _read_answer(inner)
        if name and parsed:
            answers.setdefault(name, parsed)
    return answers


def _read_answer(raw: bytes) -> Answer | None:
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, _, headers = head.partition(b"\r\n")
    words = status_line.split(None, 2)
    if len(words) < 2 or not words[1].isdigit():
        return None
    return Answer(int(words[1]), header_map(dict(_headers(headers))), body)


def _headers(raw: bytes) -> Message:
    return BytesHeaderParser().parsebytes(raw.lstrip() + b"\r\n\r\n")
