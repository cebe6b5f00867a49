"""Answers a node in place of a control plane that is away, with what the node acknowledged before."""

from collections.abc import AsyncIterator
from typing import Any

import structlog
from envoy.service.discovery.v3 import discovery_pb2

from stationmaster.gateway.receipts import gist
from stationmaster.gateway.record import Record
from stationmaster.gateway.session import Asked, Sent, Session
from stationmaster.gateway.snapshot import Kind, Resource, Snapshot, snapshot

log = structlog.get_logger("gateway.relay")

_KINDS = {kind.value: kind for kind in Kind}


def recorded(record: Record) -> Snapshot:
    """Without an entrance there is nothing that could serve."""
    resources = [
        Resource(kind=_KINDS[kind], name=name, version=version, body=body)
        for kind, (name, version, body) in record.everything()
        if kind in _KINDS
    ]
    whole = any(each.kind is Kind.ENTRANCE for each in resources)
    return snapshot(resources if whole else ())


async def answer(known: Snapshot, first: bytes, requests: AsyncIterator[bytes], context: Any) -> None:
    """With nothing on record the node is left to wait: it must not take an empty configuration for its own."""
    session = Session()
    session.show(known, 1)
    has_something = any(known.resources.values())
    message: bytes | None = first
    while message is not None:
        _hear(session, message)
        for sent in session.due() if has_something else ():
            await context.write(_serialised(sent))
        message = await anext(requests, None)


def _hear(session: Session, raw: bytes) -> None:
    message = discovery_pb2.DeltaDiscoveryRequest.FromString(raw)
    kind = _KINDS.get(message.type_url)
    if kind is None:
        return
    refused = message.error_detail.message if message.HasField("error_detail") else None
    if refused:
        log.warning("node refuses what it had acknowledged", reason=gist(refused))
    session.hear(
        Asked(
            kind=kind,
            wants=tuple(message.resource_names_subscribe),
            drops=tuple(message.resource_names_unsubscribe),
            has=dict(message.initial_resource_versions),
            nonce=message.response_nonce,
            refused=refused,
        )
    )


def _serialised(sent: Sent) -> bytes:
    body: bytes = discovery_pb2.DeltaDiscoveryResponse(
        type_url=sent.kind.value,
        nonce=sent.nonce,
        removed_resources=sent.removed,
        resources=[
            {"name": each.name, "version": each.version, "resource": {"type_url": each.kind.value, "value": each.body}}
            for each in sent.resources
        ],
    ).SerializeToString()
    return body
