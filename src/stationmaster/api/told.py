"""Says the catalog's and the gateway's words in those of the REST API."""

from stationmaster.api.wire_catalog import (
    AuditEntry,
    Changed,
    EntityChanged,
    Entry,
    FieldChanged,
    Located,
    Receipt,
)
from stationmaster.catalog.diff import EntityChange
from stationmaster.catalog.loop import Written
from stationmaster.catalog.store import Declared
from stationmaster.core.problem import Diagnostic
from stationmaster.gateway.receipts import Convergence
from stationmaster.platform import Platform
from stationmaster.runtime.audit import Change


def located(each: Diagnostic) -> Located:
    return Located(
        file=each.origin.file,
        line=each.origin.line,
        column=each.origin.column,
        path=each.origin.path,
        code=each.code,
        message=each.message,
        hint=each.hint,
        severity=each.severity.value,
    )


def entity_changed(change: EntityChange) -> EntityChanged:
    whole = None if change.fields else change.after or change.before
    return EntityChanged(
        action=change.action.value,
        kind=change.kind.value,
        name=change.name,
        fields=tuple(FieldChanged(path=each.path, before=each.before, after=each.after) for each in change.fields),
        declared=None if whole is None else dict(whole),
    )


def entry(row: Declared) -> Entry:
    return Entry(
        kind=row.entity.kind.value,
        name=row.entity.name,
        declared=row.entity.body,
        etag=quoted(row.etag),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        file=row.entity.origin.file,
        line=row.entity.origin.line,
    )


def quoted(etag: str) -> str:
    """As header fields carry it (RFC 9110 8.8.3)."""
    return f'"{etag}"'


async def changed(platform: Platform, written: Written, *, wait: bool) -> Changed:
    return Changed(
        entry=entry(written.now),
        change=entity_changed(written.change) if written.change else None,
        revision=written.revision,
        warnings=tuple(map(located, written.warnings)),
        receipt=await receipt(platform) if wait and written.change else None,
    )


async def receipt(platform: Platform) -> Receipt:
    """Waits until the gateway nodes have answered to what is declared now, as long as the gateway does."""
    return _receipt(await platform.gateway.publish_declared())


def _receipt(seen: Convergence) -> Receipt:
    return Receipt(
        revision=seen.revision,
        acknowledged=dict(seen.acknowledged),
        pending=seen.pending,
        rejected=tuple(map(located, seen.rejected)),
    )


def audit_entry(number: int, change: Change) -> AuditEntry:
    return AuditEntry(
        number=number,
        at=change.at,
        who=change.who,
        action=change.action,
        kind=change.kind,
        name=change.name,
        before=change.before,
        after=change.after,
    )
