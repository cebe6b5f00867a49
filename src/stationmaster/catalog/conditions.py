"""Decides whether a change may go ahead, from the entity tags that its request names (RFC 9110 13.1)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from stationmaster.core.problem import PlatformError

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The header fields If-Match and If-None-Match as they were sent; empty texts demand nothing."""

    if_match: str = ""
    if_none_match: str = ""

    def check(self, what: str, etag: str | None) -> None:
        """Raises PlatformError `precondition-failed` unless the entity's tag (None: there is no entity) will do."""
        if self.if_match and not _named(self.if_match, etag, weak=False):
            raise _failed(
                f"{what} is not what it was when you read it" if etag else f"there is no {what} to be changed",
                "read it again, with its new ETag, and make your change to that"
                if etag
                else "create it without If-Match",
            )
        if self.if_none_match and _named(self.if_none_match, etag, weak=True):
            raise _failed(f"{what} exists already", "choose another name, or replace it with If-Match")


ANYHOW = Condition()


def etag_of(body: Mapping[str, Any]) -> str:
    """The tag of a body, without its quotes: equal bodies have equal tags, whatever the order of their fields."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()[:32]


def _named(header: str, etag: str | None, *, weak: bool) -> bool:
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    return any(tag == etag for is_weak, tag in _tags(header) if weak or not is_weak)


def _tags(header: str) -> list[tuple[bool, str]]:
    tags, at = [], 0
    while at < len(header):
        found = _TAG.match(header, at)
        if found is None:
            raise PlatformError(
                "bad-etag",
                "If-Match and If-None-Match list entity tags",
                hint='send the ETag as it came, as "1f0c", or *',
            )
        tags.append((found[1] is not None, found[2]))
        at = found.end()
    return tags


def _failed(message: str, hint: str) -> PlatformError:
    return PlatformError("precondition-failed", message, hint=hint, status=412)
