"""Completes names on the command line from the running control plane; silent when it is away."""

import os
from pathlib import Path

import typer

from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import APIS, HOSTS, KINDS, USERS, Shown, every_entry, shown_as
from stationmaster.cli.options import DEFAULT_STATE, state_dir
from stationmaster.config import STATE_VARIABLE
from stationmaster.core.problem import PlatformError

_LIMIT_S = 2.0
_MOST = 200


def kinds(incomplete: str) -> list[str]:
    words = [*(each.words[0] for each in KINDS), "targets", "settings"]
    return [word for word in words if word.startswith(incomplete)]


def of_kind(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the kind that was typed before."""
    try:
        return _names(ctx, shown_as(str(ctx.params.get("kind") or "")), incomplete)
    except PlatformError:
        return []


def apis(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, APIS, incomplete)


def users(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, USERS, incomplete)


def hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, HOSTS, incomplete)


def _names(ctx: typer.Context, shown: Shown, incomplete: str) -> list[str]:
    state = Path(ctx.params.get("state") or os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)
    try:
        client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
        found = every_entry(client, shown, {"name": f"{incomplete}*"})
        return [each.name for each, _ in zip(found, range(_MOST), strict=False)]
    except PlatformError:
        return []
