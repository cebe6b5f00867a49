"""Posts a message to a subscriber's webhook, at the address that was looked up and checked for it."""

import asyncio
from typing import Any

import httpx
import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused
from stationmaster.incidents.status.reach import resolve

LIMIT_S = 15.0
_AGAIN = frozenset({408, 425, 429})


async def post(url: str, document: dict[str, Any], *, inner: bool, limit_s: float = LIMIT_S) -> Receipt:
    """Any 2xx is a delivery (a redirect is none). Nothing of the answer but its status is read or kept."""
    try:
        place = await resolve(url, inner=inner)
    except PlatformError as error:
        return failed(error.message) if error.code == "not-found" else refused(error.message)
    headers = {"host": place.host, "content-type": "application/json", "user-agent": "Stationmaster status page"}
    try:
        async with (
            asyncio.timeout(limit_s),
            # Proxy settings of the environment would hand it to somebody else.
            httpx.AsyncClient(timeout=limit_s, trust_env=False, follow_redirects=False) as client,
        ):
            request = client.build_request(
                "POST",
                place.url,
                content=msgspec.json.encode(document),
                headers=headers,
                extensions={"sni_hostname": place.server_name},
            )
            answer = await client.send(request, stream=True)
            await answer.aclose()
    except (TimeoutError, httpx.TimeoutException):
        return failed(f"no answer within {limit_s:g} s")
    except (httpx.HTTPError, OSError) as error:
        return failed(f"the receiver cannot be reached ({type(error).__name__})")
    return _receipt(answer.status_code)


def _receipt(status: int) -> Receipt:
    said = f"answered {status}"
    if httpx.codes.is_success(status):
        return delivered(said)
    return failed(said) if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _AGAIN else refused(said)
