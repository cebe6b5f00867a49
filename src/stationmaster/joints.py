"""Joins the rooms: what one room asks for, said in the words of the room that does it."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.facts import NoteAdded, TargetChanged
from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway.loop import Gateway
from stationmaster.healing.decide import TargetView
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now


@dataclass(frozen=True, slots=True)
class GatewayBalancer:
    """The gateway as healing sees it."""

    gateway: Gateway

    async def views(self) -> Sequence[TargetView]:
        return [
            TargetView(
                virtual_host=each.virtual_host,
                address=each.address,
                instance=each.instance,
                state=each.state,
                incident=each.incident,
            )
            for each in await self.gateway.targets()
        ]

    async def take_out(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return await self.gateway.take_out(virtual_host, address, by=by, why=why, incident=incident)

    async def put_back(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return await self.gateway.put_back(virtual_host, address, by=by, why=why, incident=incident)
