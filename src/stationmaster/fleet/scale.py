"""How many of a service's declared instances run; what is beyond is held stopped, over restarts of all else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.fleet import store, version_store
from stationmaster.fleet.inventory import Launch, group_of
from stationmaster.fleet.store import Hold
from stationmaster.fleet.version_store import Scale


def beyond(launches: Iterable[Launch], scales: Mapping[str, Scale], held: Mapping[str, Hold]) -> dict[str, Hold]:
    """The instances that do not run because fewer are wanted: the last ones in the order of the declaration.

    Those that people hold stopped are none of the wanted ones: another instance runs in their place.
    """
    free = defaultdict(list)
    for launch in launches:
        if launch.name not in held:
            free[launch.group].append(launch.name)
    return {
        name: Hold(by=scale.by, why=_why(service, scale), at=scale.at, of_scale=True)
        for service, scale in scales.items()
        for name in free[group_of(service)][scale.instances :]
    }


async def held(connection: AsyncConnection, launches: Iterable[Launch]) -> Mapping[str, Hold]:
    """All that is to stay stopped, by instance: what people hold, and what is beyond the wanted number."""
    by_hand = await store.held(connection)
    return {**beyond(launches, await version_store.all_scales(connection), by_hand), **by_hand}


def refuse_beyond(given: Hold | None) -> None:
    """PlatformError `scaled-down` for an instance that is beyond the wanted number."""
    if given is not None and given.of_scale:
        hint = "`stationmaster service scale` lets more instances run"
        raise PlatformError("scaled-down", given.why, hint=hint, status=409)


def _why(service: str, scale: Scale) -> str:
    return f"{service} is scaled to {scale.instances}" + (f": {scale.why}" if scale.why else "")
