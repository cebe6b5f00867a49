"""Links to the page of an incident: signed, with an end, good for one incident and whoever may act by it, or nobody."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.files import create_private

_GOOD_FOR, _LOOK_FOR = timedelta(hours=24), timedelta(days=7)
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`who` is empty where the link is good for looking alone."""

    incident: int
    who: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    key: bytes

    def token(self, link: Link, now: datetime) -> str:
        ends_s = int((now + (_GOOD_FOR if link.who else _LOOK_FOR)).timestamp())
        return self._serializer().dumps([link.incident, link.who, ends_s])

    def read(self, token: str, now: datetime) -> Link:
        """Raises PlatformError `bad-link` (404) or `link-ended` (410)."""
        try:
            incident, who, ends_s = self._serializer().loads(token)
        except (BadSignature, ValueError, TypeError) as error:
            hint = "use the newest message about the incident"
            raise PlatformError("bad-link", "this link is not one of ours", hint=hint, status=404) from error
        if now.timestamp() > ends_s:
            hint = "use the newest message about the incident, or `incident ack`"
            lasted = "a day" if who else "a week"
            raise PlatformError("link-ended", f"this link was good for {lasted}", hint=hint, status=410)
        return Link(incident=incident, who=who)

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt="acknowledge", signer_kwargs={"digest_method": hashlib.sha256})


def new_links() -> Links:
    """Good for the life of this process alone."""
    return Links(secrets.token_bytes(_KEY_BYTES))


def load_or_make_links(path: Path) -> Links:
    """The key stands in a file that only the platform's user may read."""
    if not path.exists():
        create_private(path, secrets.token_bytes(_KEY_BYTES))
    return Links(path.read_bytes())
