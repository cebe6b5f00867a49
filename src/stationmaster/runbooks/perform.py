"""What a run needs done by the rest of the platform, and what comes back; app.py hands in the real thing."""

from typing import Protocol

from stationmaster.core.names import InstanceName, VirtualHostName
from stationmaster.core.spec import Address


class Perform(Protocol):
    """Every call may raise PlatformError, which ends its step as failed with the error's message."""

    async def target_is_out(self, virtual_host: VirtualHostName, target: Address) -> bool: ...

    async def take_out(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None: ...

    async def put_back(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None: ...

    async def restart(self, instance: InstanceName, *, why: str, incident: int) -> None: ...

    async def logs(self, instance: InstanceName, *, tail: int) -> str: ...
