"""Asks web addresses whether they answer, each once."""

from collections.abc import Callable

import httpx

_TIMEOUT_S = 5.0
_ALIVE_ALL_THE_SAME = {401, 403, 405, 429}
"""The server is there and does not want to talk about it."""


def asker() -> Callable[[str], str]:
    """A function that says why an address is dead; empty when it answers. Waits at most some seconds for each."""
    known: dict[str, str] = {}

    def answers(url: str) -> str:
        place = url.partition("#")[0]
        if place not in known:
            known[place] = _why_dead(place)
        return known[place]

    return answers


def _why_dead(url: str) -> str:
    try:
        with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True, max_redirects=5) as client:
            status = client.head(url).status_code
            if status in {404, 405, 501}:  # some servers know GET alone
                with client.stream("GET", url) as answer:
                    status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return f"does not answer: {str(error) or type(error).__name__}"
    return "" if status < 400 or status in _ALIVE_ALL_THE_SAME else f"answers with {status}"
