"""Tells a channel of Slack by its incoming webhook: a text to notify with, and blocks with buttons that lead here."""

from typing import Any

from stationmaster.core.response import Contact
from stationmaster.incidents.notify import web
from stationmaster.incidents.notify.message import Message, details, headline, plain, told
from stationmaster.incidents.notify.receipt import Receipt

_SECTION_CHARACTERS = 3000
_HEADER_CHARACTERS = 150
_FOUND = "*Diagnosis*\n"
_FACT_CHARACTERS = 300
"""So that all of them fit into one section."""


class Slack:
    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt:
        return await web.post(secret or contact.address, document(message))


def document(message: Message) -> dict[str, Any]:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    blocks = [_header(message), *_parts(message), *_buttons(message)]
    return {"text": escaped(headline(message)), "blocks": blocks}


def escaped(text: str, limit: int = _SECTION_CHARACTERS) -> str:
    """The three characters that Slack reads as control characters; never cut within one."""
    found = ""
    for character in text:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        if len(found) + len(piece) > limit:
            break
        found += piece
    return found


def _header(message: Message) -> dict[str, Any]:
    text = plain(headline(message), _HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _parts(message: Message) -> list[dict[str, Any]]:
    again = "_This may be the second time that you read this._\n" if message.maybe_second else ""
    summary = escaped(told(message), _SECTION_CHARACTERS - len(again))
    facts = "\n".join(f"*{name}:* {escaped(value, _FACT_CHARACTERS)}" for name, value in details(message))
    found = escaped(plain(message.diagnosis, _SECTION_CHARACTERS), _SECTION_CHARACTERS - len(_FOUND))
    parts = [again + summary] if summary or again else []
    return [*map(_section, [*parts, *([_FOUND + found] if found else []), facts])]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _buttons(message: Message) -> list[dict[str, Any]]:
    own = message.acknowledge
    wanted = [
        ("Allow or leave out …", message.approve, "primary"),
        ("Acknowledge", own, "" if message.approve else "primary"),
        ("Post an update", f"{own}/update" if own else "", ""),
        ("Resolve …", f"{own}/resolve" if own else "", ""),
        ("Incident", message.link, ""),
    ]
    elements = [
        {"type": "button", "text": {"type": "plain_text", "text": text}, "url": url}
        | ({"style": style} if style else {})
        for text, url, style in wanted
        if url
    ]
    return [{"type": "actions", "elements": elements}] if elements else []
