"""Documents of the declared platform: entities, what a change changed, which node took it, the audit trail."""

from datetime import datetime
from typing import Any

import msgspec

from stationmaster.api.wire import Answer, Order, Problem


class Located(Answer):
    """One problem, where it stands, and what to do about it. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    code: str
    message: str
    hint: str
    severity: str
    """error or warning."""


class ProblemList(Problem):
    """A refusal of a document, with everything that is wrong with it."""

    problems: tuple[Located, ...] = ()


class FieldChanged(Answer):
    """A field by its path; null stands for one that is not written down."""

    path: str
    before: Any
    after: Any


class EntityChanged(Answer):
    action: str
    """create, update or delete."""
    kind: str
    name: str
    fields: tuple[FieldChanged, ...] = ()
    """What differs, of updates alone."""
    declared: dict[str, Any] | None = None
    """What was created, or what was deleted."""


class Receipt(Answer):
    """How far a change has come: `acknowledged` holds milliseconds until each gateway node served it."""

    revision: int
    """Of the gateway's configuration."""
    acknowledged: dict[str, float]
    pending: tuple[str, ...]
    rejected: tuple[Located, ...]


class ApplyOrder(Order):
    """`text` is the YAML; `file` is what its problems call it; relative file names are looked for in `folder`, on the
    machine of the control plane."""

    text: str
    file: str = "platform.yaml"
    folder: str = ""


class Applied(Answer):
    dry_run: bool
    revision: int
    """The revision of the declaration that stands now."""
    changes: tuple[EntityChanged, ...]
    warnings: tuple[Located, ...]
    receipt: Receipt | None = None
    """Missing when nothing was changed or nobody waited for it."""


class Entry(Answer):
    """One entity as it is declared; `etag` is what If-Match wants."""

    kind: str
    name: str
    declared: dict[str, Any]
    etag: str
    changed_at: datetime
    changed_by: str
    file: str
    line: int


class EntryList(Answer):
    """One page in the order of names. `total` counts all that match; `next` is the `after` of the page that follows."""

    items: tuple[Entry, ...]
    total: int
    next: str | None


class Changed(Answer):
    """One entity after a change; `change` is null when it was so already."""

    entry: Entry
    change: EntityChanged | None
    revision: int
    warnings: tuple[Located, ...]
    receipt: Receipt | None = None


class TargetEntry(Answer):
    """A target of a virtual host: an instance that the platform knows, or an address."""

    instance: str | None
    address: str
    weight: int


class TargetEntryList(Answer):
    items: tuple[TargetEntry, ...]


class WeightOrder(Order):
    """`weight` is the share of the traffic, 0 takes none."""

    weight: int = 100


class AuditEntry(Answer):
    number: int
    at: datetime
    who: str
    action: str
    kind: str
    name: str
    before: Any
    after: Any


class AuditList(Answer):
    """The newest first; `next` is the `before` of the page that follows."""

    items: tuple[AuditEntry, ...]
    next: int | None


_ENCODER = msgspec.json.Encoder()


def encoded(document: Answer) -> bytes:
    return _ENCODER.encode(document)
