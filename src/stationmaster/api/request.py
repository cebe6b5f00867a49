"""A request whose body cannot be read as JSON text is refused as any other bad body."""

from typing import Any

from litestar import Request
from litestar.datastructures import State

from stationmaster.core.problem import PlatformError


class ApiRequest(Request[Any, Any, State]):
    async def json(self) -> Any:
        """Raises PlatformError `not-utf8` where the framework would take it for a fault of ours."""
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            hint = "JSON is UTF-8 (RFC 8259, 8.1)"
            raise PlatformError("not-utf8", f"the body is no UTF-8: {error.reason}", hint=hint) from error
