"""What an operator asks of the platform: credentials, shutdown."""

from litestar import Controller, post
from litestar.params import JSONBody

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire import (
    Credentials,
    CredentialsRequest,
    Empty,
)
from stationmaster.core.names import UserName


class OperationRoutes(Controller):
    path = "/api/v1"

    @post("/credentials", opt={"runs": False})
    async def create_credentials(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[CredentialsRequest]
    ) -> Credentials:
        """A new API key and client secret in the place of all that the user has."""
        made = await platform.keys.create_credentials(UserName(data.user), by=caller.name)
        await platform.gateway.publish_credentials()
        return Credentials(
            user=made.user, client_id=made.client_id, client_secret=made.client_secret, api_key=made.api_key
        )

    @post("/shutdown", opt={"role": Role.ADMIN})
    async def shut_down(self, platform: GivenPlatform, data: JSONBody[Empty]) -> Empty:
        """Stops every process of the platform, gateway nodes drained first, then the control plane itself."""
        platform.stopping.set()
        return data
