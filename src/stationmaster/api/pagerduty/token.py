"""Reads `Authorization: Token token=TOKEN`, as clients of PagerDuty send it."""

from stationmaster.access.bearer import parse_bearer


def parse_token(header: str) -> str | None:
    """The token; None for anything else. Quotes around it are allowed."""
    scheme, _blank, rest = header.partition(" ")
    name, equals, token = rest.strip().partition("=")
    if scheme.lower() != "token" or name.strip().lower() != "token" or not equals:
        return None
    return parse_bearer(f"Bearer {token.strip().strip(chr(34))}")
