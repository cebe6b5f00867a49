"""Alembic's entry: runs the migrations on the connection that `runtime.migrate` hands over."""

from typing import Any, Literal

from alembic import context

from stationmaster.runtime.db import Instant, metadata


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Our own column type is written as what it is stored as: a migration does not import the program."""
    return "sa.Double()" if kind == "type" and isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=render_item,
    transaction_per_migration=False,
)
context.run_migrations()
