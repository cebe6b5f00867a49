"""Joins the rooms: what one room asks for, said in the words of the room that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from stationmaster.core.command import CommandResult
from stationmaster.core.facts import BalancerState, InstanceRestarted, TargetChanged
from stationmaster.core.names import InstanceName, VirtualHostName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, HealingPolicy
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway.loop import Gateway
from stationmaster.healing.decide import TargetView
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.outbox import facts_of

RUNBOOK = "runbook"
_BUDGET_SPAN = timedelta(hours=1)


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
                by=each.by,
            )
            for each in await self.gateway.rotation.targets()
        ]

    async def take_out(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return await self.gateway.rotation.take_out(virtual_host, address, by=by, why=why, incident=incident)

    async def put_back(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return await self.gateway.rotation.put_back(virtual_host, address, by=by, why=why, incident=incident)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEffects:
    """The fleet and the gateway as a run of a runbook sees them."""

    database: Database
    fleet: Fleet
    gateway: Gateway
    policy: HealingPolicy

    async def run_command(self, instance: InstanceName, argv: tuple[str, ...], timeout_s: float) -> CommandResult:
        return await self.fleet.run_command(instance, argv, timeout_s=timeout_s)

    async def target_is_out(self, virtual_host: VirtualHostName, target: Address) -> bool:
        return any(
            each.virtual_host == virtual_host and each.address == str(target) and each.state is BalancerState.OUT
            for each in await self.gateway.rotation.targets()
        )

    async def take_out(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None:
        await self.gateway.rotation.take_out(virtual_host, str(target), by=RUNBOOK, why=why, incident=incident)

    async def put_back(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None:
        await self.gateway.rotation.put_back(virtual_host, str(target), by=RUNBOOK, why=why, incident=incident)

    async def restart(self, instance: InstanceName, *, why: str, incident: int) -> None:
        await self._keep_to_the_budget(instance)
        await self.fleet.restart(instance, by=RUNBOOK, why=why, incident=incident)

    async def logs(self, instance: InstanceName, *, tail: int) -> str:
        return await self.fleet.logs(instance, tail=tail)

    async def _keep_to_the_budget(self, instance: InstanceName) -> None:
        facts = await facts_of(self.database, InstanceRestarted, utc_now() - _BUDGET_SPAN)
        restarts = sum(fact.instance == instance for fact in facts)
        if restarts >= self.policy.max_restarts_per_hour:
            raise PlatformError(
                "restart-budget",
                f"{instance} was restarted {restarts} times within an hour; the policy allows no more",
                hint="find out why it dies, or raise healing.max_restarts_per_hour",
            )
