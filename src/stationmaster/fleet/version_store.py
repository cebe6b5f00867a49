"""Keeps the versions of services, how their deployments stand, and how many instances of each are to run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import JSON, Column, Float, Integer, Row, String, Table, Text, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.fleet.deploy import Course, Phase, Source, Terms
from stationmaster.fleet.version import Program, Version
from stationmaster.runtime.db import Instant, metadata

versions = Table(
    "service_version",
    metadata,
    Column("service", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("program", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("good_at", Instant),
)

courses = Table(
    "service_course",
    metadata,
    Column("service", String(128), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("source", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    Column("declared", String(16), nullable=False),
    Column("by", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("within_s", Float, nullable=False),
    Column("bake_s", Float, nullable=False),
    Column("well_since", Instant),
    Column("failed", Integer),
    Column("told", Text, nullable=False),
)

scales = Table(
    "service_scale",
    metadata,
    Column("service", String(128), primary_key=True),
    Column("instances", Integer, nullable=False),
    Column("by", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """So many of the declared instances run."""

    instances: int
    by: str
    why: str
    at: datetime


async def all_versions(connection: AsyncConnection) -> dict[str, dict[int, Version]]:
    """By service and number."""
    found: dict[str, dict[int, Version]] = {}
    for row in await connection.execute(select(versions).order_by(versions.c.service, versions.c.number)):
        found.setdefault(row.service, {})[row.number] = Version(
            service=row.service,
            number=row.number,
            program=msgspec.convert(row.program, Program, strict=False),
            at=row.at,
            by=row.by,
            why=row.why,
            good_at=row.good_at,
        )
    return found


async def add_version(connection: AsyncConnection, made: Version) -> None:
    await connection.execute(
        insert(versions).values(
            service=made.service,
            number=made.number,
            program=msgspec.to_builtins(made.program),
            at=made.at,
            by=made.by,
            why=made.why,
            good_at=made.good_at,
        )
    )


async def mark_good(connection: AsyncConnection, service: str, number: int, at: datetime) -> None:
    which = (versions.c.service == service) & (versions.c.number == number)
    await connection.execute(update(versions).where(which).values(good_at=at))


async def all_courses(connection: AsyncConnection) -> dict[str, Course]:
    return {row.service: _course(row) for row in await connection.execute(select(courses))}


async def save_course(connection: AsyncConnection, course: Course) -> None:
    row = {
        "version": course.version,
        "source": course.source.value,
        "phase": course.phase.value,
        "since": course.since,
        "declared": course.declared,
        "by": course.by,
        "why": course.why,
        "within_s": course.terms.within_s,
        "bake_s": course.terms.bake_s,
        "well_since": course.well_since,
        "failed": course.failed,
        "told": course.told,
    }
    statement = upsert(courses).values(service=course.service, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=[courses.c.service], set_=row))


async def forget_service(connection: AsyncConnection, service: str) -> None:
    """What is no longer declared; under the same name something else may be declared later."""
    for table in (versions, courses, scales):
        await connection.execute(delete(table).where(table.c.service == service))


async def all_scales(connection: AsyncConnection) -> Mapping[str, Scale]:
    rows = await connection.execute(select(scales))
    return {row.service: Scale(instances=row.instances, by=row.by, why=row.why, at=row.at) for row in rows}


async def save_scale(connection: AsyncConnection, service: str, given: Scale | None) -> None:
    """None: all that are declared run."""
    await connection.execute(delete(scales).where(scales.c.service == service))
    if given is not None:
        await connection.execute(
            insert(scales).values(service=service, instances=given.instances, by=given.by, why=given.why, at=given.at)
        )


def _course(row: Row[tuple[object, ...]]) -> Course:
    return Course(
        service=row.service,
        version=row.version,
        source=Source(row.source),
        phase=Phase(row.phase),
        since=row.since,
        declared=row.declared,
        by=row.by,
        why=row.why,
        terms=Terms(within_s=row.within_s, bake_s=row.bake_s),
        well_since=row.well_since,
        failed=row.failed,
        told=row.told,
    )
