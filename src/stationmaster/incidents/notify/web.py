"""Posts JSON to a receiver out there, within a time limit, and says in a receipt how it went."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
import msgspec

from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused

LIMIT_S = 15.0
_AGAIN = frozenset({408, 425, 429})
_LONGEST_WAIT_S = 3600.0


async def post(url: str, document: Mapping[str, Any], *, limit_s: float = LIMIT_S) -> Receipt:
    """Any 2xx is a delivery; what a client did wrong is refused, all else may work later. No receipt names the URL,
    which may be a secret. Redirects are not followed: they would hand the message to somebody else."""
    try:
        async with (
            asyncio.timeout(limit_s),
            # Proxy settings of the environment would hand it to somebody else as well.
            httpx.AsyncClient(timeout=limit_s, verify=_trust(), trust_env=False, follow_redirects=False) as client,
        ):
            request = client.build_request(
                "POST", url, content=msgspec.json.encode(document), headers={"content-type": "application/json"}
            )
            answer = await client.send(request, stream=True)
            await answer.aclose()
    except (TimeoutError, httpx.TimeoutException):
        return failed(f"no answer within {limit_s:g} s")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        return refused("the address is no URL that can be posted to")
    except (httpx.HTTPError, OSError) as error:
        return failed(f"the receiver cannot be reached ({type(error).__name__})")
    return _receipt(answer)


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Reading all certificates takes many times as long as a message."""
    return httpx.create_ssl_context(trust_env=False)


def _receipt(answer: httpx.Response) -> Receipt:
    said = f"answered {answer.status_code}"
    if answer.is_success:
        return delivered(said)
    if answer.is_server_error or answer.status_code in _AGAIN:
        return failed(said, retry_after_s=_seconds(answer.headers.get("retry-after", "")))
    return refused(said)


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdigit() else 0.0
