"""The control API below `/_sandbox/`: JSON in, JSON out, and no authentication (loopback only)."""

import base64
import json
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.clock import rfc3339
from sandbox.credentials import make_service_account
from sandbox.faults import Fault
from sandbox.http import json_response, origin, read_json
from sandbox.mailbox import Mailbox
from sandbox.replies import Script
from sandbox.seeding import add_mailbox, seed
from sandbox.urls import SandboxUrls
from sandbox.world import World

Answer = dict[str, Any] | list[Any] | Response
Endpoint = Callable[[World, Request, dict[str, str]], Answer]


def respond(world: World, request: Request, path: str) -> Response:
    """400 says what was wrong with the request; nothing has changed then."""
    router = _ROUTES.bind("", path_info=path)
    try:
        endpoint, values = router.match(path, method=request.method)
        with world.lock:
            world.settle()
            answer = endpoint(world, request, values)
    except HTTPException as error:
        return json_response({"error": error.description}, error.code or 400)
    except (KeyError, LookupError) as error:
        return json_response({"error": f"There is no {error}."}, 404)
    except (ValueError, TypeError) as error:
        return json_response({"error": str(error)}, 400)
    return answer if isinstance(answer, Response) else json_response(answer)


def _state(world: World, request: Request, values: dict[str, str]) -> Answer:
    urls = SandboxUrls.at(origin(request))
    return {"now": rfc3339(world.clock.now()), "urls": urls.environment()}


def _reset(world: World, request: Request, values: dict[str, str]) -> Answer:
    world.reset()
    return {}


def _seed(world: World, request: Request, values: dict[str, str]) -> Answer:
    seed(world, read_json(request))
    return {}


def _make_service_account(world: World, request: Request, values: dict[str, str]) -> Answer:
    """A key file for a new account, already delegated as asked."""
    body = read_json(request)
    key = make_service_account(body["client_email"], token_uri=f"{origin(request)}/google/token", fresh=True)
    world.add_google_service_account(
        key.client_email,
        key.public_key,
        delegations=body.get("delegations", {}),
        private_key_id=key.private_key_id,
        client_id=key.client_id,
    )
    document: dict[str, Any] = json.loads(key.json)
    return document


def _list_mailboxes(world: World, request: Request, values: dict[str, str]) -> Answer:
    boxes = {mailbox.email: mailbox for mailbox in world.mailboxes.values()}
    return [
        {"email": box.email, "provider": box.provider, "messages": len(box.all_messages())}
        for box in boxes.values()
    ]


def _add_mailbox(world: World, request: Request, values: dict[str, str]) -> Answer:
    add_mailbox(world, read_json(request))
    return {}


def _change_mailbox(world: World, request: Request, values: dict[str, str]) -> Answer:
    """Settings, and `licensed` and `suspended`."""
    changes = read_json(request)
    mailbox = world.mailbox(values["email"])
    for name in ("licensed", "suspended"):
        if name in changes:
            setattr(mailbox, name, bool(changes.pop(name)))
    world.configure(values["email"], **changes)
    return {}


def _list_messages(world: World, request: Request, values: dict[str, str]) -> Answer:
    mailbox = world.mailbox(values["email"])
    place = request.args.get("place")
    views = [mailbox.view(message) for message in mailbox.all_messages()]
    return [view for view in views if place is None or view["place"] == place]


def _get_raw(world: World, request: Request, values: dict[str, str]) -> Answer:
    raw = world.mailbox(values["email"]).find(values["message"]).raw
    return Response(raw, content_type="message/rfc822")


def _deliver(world: World, request: Request, values: dict[str, str]) -> Answer:
    """The body is the raw message (`message/rfc822`), or JSON with `raw` in base64 and `folder`."""
    if request.mimetype == "application/json":
        body = read_json(request)
        raw, folder = base64.b64decode(body["raw"], validate=True), body.get("folder", "inbox")
    else:
        raw, folder = request.get_data(), request.args.get("folder", "inbox")
    if folder not in ("inbox", "junk"):
        raise ValueError("The folder is inbox or junk.")
    message = world.deliver(raw, values["email"], folder=folder)
    return world.mailbox(values["email"]).view(message)


def _act(world: World, request: Request, values: dict[str, str]) -> Answer:
    """What a person does: mark_read, mark_unread, move (to a `place`), remove."""
    mailbox: Mailbox = world.mailbox(values["email"])
    message = mailbox.find(values["message"])
    body = read_json(request)
    match body.get("action"):
        case "mark_read" | "mark_unread":
            mailbox.mark(message, read=body["action"] == "mark_read")
        case "move":
            mailbox.move(message, body["place"])
        case "remove":
            mailbox.remove(message)
        case _:
            raise ValueError("The action is mark_read, mark_unread, move or remove.")
    return {}


def _expire(world: World, request: Request, values: dict[str, str]) -> Answer:
    """Access tokens of all, or the cursors of one `mailbox`."""
    body = read_json(request)
    if body.get("what") == "tokens":
        world.expire_tokens()
    elif body.get("what") == "cursors":
        world.expire_cursors(body["mailbox"])
    else:
        raise ValueError("`what` is tokens or cursors.")
    return {}


def _ledger(world: World, request: Request, values: dict[str, str]) -> Answer:
    copies = world.ledger.find(token=request.args.get("token"), recipient=request.args.get("recipient"))
    return [copy.as_json() for copy in copies]


def _sent_twice(world: World, request: Request, values: dict[str, str]) -> Answer:
    twice = world.ledger.sent_twice().items()
    return [{"token": token, "recipient": address, "count": count} for (token, address), count in twice]


def _list_faults(world: World, request: Request, values: dict[str, str]) -> Answer:
    return [fault.as_json() for fault in world.faults.faults]


def _add_fault(world: World, request: Request, values: dict[str, str]) -> Answer:
    return world.faults.add(Fault.from_json(read_json(request))).as_json()


def _clear_faults(world: World, request: Request, values: dict[str, str]) -> Answer:
    world.faults.clear(int(values["fault"]) if "fault" in values else None)
    return {}


def _advance(world: World, request: Request, values: dict[str, str]) -> Answer:
    world.advance(float(read_json(request)["seconds"]))
    return {"now": rfc3339(world.clock.now())}


def _change_limits(world: World, request: Request, values: dict[str, str]) -> Answer:
    world.configure(**read_json(request))
    return {}


def _set_reply(world: World, request: Request, values: dict[str, str]) -> Answer:
    body = read_json(request)
    address = body.pop("address").lower()
    world.scripts[address] = Script(**body)
    return {}


def _counters(world: World, request: Request, values: dict[str, str]) -> Answer:
    return world.counters()


def _notes(world: World, request: Request, values: dict[str, str]) -> Answer:
    return [note.as_json() for note in world.notes]


ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/state", _state),
    ("POST", "/reset", _reset),
    ("POST", "/seed", _seed),
    ("POST", "/service-accounts", _make_service_account),
    ("GET", "/mailboxes", _list_mailboxes),
    ("POST", "/mailboxes", _add_mailbox),
    ("PATCH", "/mailboxes/<email>", _change_mailbox),
    ("GET", "/mailboxes/<email>/messages", _list_messages),
    ("POST", "/mailboxes/<email>/messages", _deliver),
    ("GET", "/mailboxes/<email>/messages/<message>/raw", _get_raw),
    ("POST", "/mailboxes/<email>/messages/<message>", _act),
    ("POST", "/expire", _expire),
    ("GET", "/ledger", _ledger),
    ("GET", "/ledger/sent-twice", _sent_twice),
    ("GET", "/faults", _list_faults),
    ("POST", "/faults", _add_fault),
    ("DELETE", "/faults", _clear_faults),
    ("DELETE", "/faults/<fault>", _clear_faults),
    ("POST", "/clock", _advance),
    ("PATCH", "/limits", _change_limits),
    ("POST", "/replies", _set_reply),
    ("GET", "/counters", _counters),
    ("GET", "/notes", _notes),
)
_ROUTES = Map([Rule(path, methods=[method], endpoint=endpoint) for method, path, endpoint in ENDPOINTS])
