"""What gateway nodes tell of the requests that they served, in the platform's own words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from stationmaster.core.names import ApiName, NodeName, UserName


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that a node answered, or goes on answering, at the moment `at`, which is never in the future.

    `status` is 0 while there is no answer yet; `took_ms` counts from the request to `at`. `api` is None where no API
    was found, `user` and `key_id` are None where nobody was proven, or not by an API key.
    """

    node: NodeName
    api: ApiName | None
    user: UserName | None
    key_id: str | None
    status: int
    at: datetime
    took_ms: float


Hearer: TypeAlias = Callable[[Served], None]
"""Is told of every entry as it comes, hundreds of them a second: it waits for nothing and raises nothing."""


def nobody_hears(served: Served) -> None:
    """Entries come to nothing."""
