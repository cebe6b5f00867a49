"""Renders pages for people who have no login: without scripts, with every value escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_FOLDER = Path(__file__).parent / "templates"


def page(template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response[str]:
    html = _environment().get_template(template).render(**values)
    return Response(html, status_code=status, media_type="text/html", headers=HEADERS | (headers or {}))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
