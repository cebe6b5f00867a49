"""Documents that are ready to be sent: body, the same compressed, and a tag that changes with it."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

_WORTH_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    body: bytes
    media_type: str
    tag: str
    """Of the body as it is; the compressed one has a tag of its own (RFC 9110, 8.8.3)."""
    packed: bytes | None = None
    """None where compressing is not worth it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Documents by name; names are paths below the page without a slash in front."""

    documents: Mapping[str, Document] = field(default_factory=dict)
    made_of: Mapping[str, object] = field(default_factory=dict)
    """What a document was drawn from, for those that need not be drawn again as long as that is equal."""

    def find(self, name: str) -> Document | None:
        return self.documents.get(name)


def document(body: bytes, media_type: str, before: Document | None = None) -> Document:
    """The one before is kept where nothing changed: compressing costs more than comparing."""
    if before is not None and before.body == body and before.media_type == media_type:
        return before
    # The same body has the same compressed form, whatever time it is.
    packed = gzip.compress(body, 6, mtime=0) if len(body) > _WORTH_BYTES else None
    return Document(body=body, media_type=media_type, tag=hashlib.sha256(body).hexdigest()[:24], packed=packed)
