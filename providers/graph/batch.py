"""Graph's JSON batch: many requests in one, run in a few chains.

https://learn.microsoft.com/graph/json-batching: at most 20; a request waits for the one it depends on, and
fails with 424 when that one failed. Outlook runs at most four of a batch at once, so unchained parts of one
mailbox would throttle each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.answers import as_mapping, as_rows
from providers.api import Api, Content
from providers.messages import AccessToken, MessageRef
from providers.rounds import Outcome, Results, Rounds
from providers.session import Answer, header_map

FAILED_DEPENDENCY = 424


@dataclass(frozen=True, slots=True)
class Part:
    """One request inside a batch; `path` without the version, as in /users/x/messages/y."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def to_json(self, position: int, chains: int) -> dict[str, Any]:
        """The part at `position`, waiting for the one before it in its chain."""
        part: dict[str, Any] = {"id": str(position), "method": self.method, "url": self.path}
        headers = dict(self.headers)
        if self.body is not None:
            part["body"] = dict(self.body)
            headers["Content-Type"] = "application/json"
        if headers:
            part["headers"] = headers
        if position >= chains:
            part["dependsOn"] = [str(position - chains)]
        return part


@dataclass(frozen=True, slots=True)
class Batch:
    """Sends parts for messages, `size` in one request and in `chains` that run side by side."""

    api: Api
    token: AccessToken
    size: int
    chains: int

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
        parts = [part_for(ref).to_json(position, self.chains) for position, ref in enumerate(batch)]
        content = Content.json({"requests": parts})
        answer = self.api.request(self.token, "POST", self.api.url("/$batch"), content)
        by_position = {
            str(row.get("id")): _inner_answer(row) for row in as_rows(answer.fields().get("responses"))
        }
        found = {ref.id: by_position.get(str(position)) for position, ref in enumerate(batch)}
        return {ref: None if _was_skipped(answer) else answer for ref, answer in found.items()}


def _was_skipped(answer: Answer | None) -> bool:
    return answer is None or answer.status == FAILED_DEPENDENCY


def _inner_answer(row: Mapping[str, Any]) -> Answer:
    """One inner response. `body` is an object for JSON, and a base64 string for raw MIME, left as it is."""
    body = row.get("body")
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = header_map(as_mapping(row.get("headers")))
    status = row.get("status")
    return Answer(status if isinstance(status, int) else 0, headers, raw, headers.get("request-id", ""))
