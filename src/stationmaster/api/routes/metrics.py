"""What the control plane tells of itself, for a Prometheus to scrape."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.datastructures import State

from stationmaster.api.routes.given import GivenPlatform


class MetricsRoutes(Controller):
    path = "/metrics"
    tags = ("metrics",)

    @get(summary="The control plane's own metrics", media_type="text/plain")
    async def read_metrics(self, platform: GivenPlatform, request: Request[Any, Any, State]) -> Response[bytes]:
        """Prometheus' text format, or OpenMetrics where `Accept` asks for it. Needs a token, as all reading does:
        metrics tell the names of nodes, APIs and alerts."""
        body, content_type = await platform.metrics.text(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})
