"""What may be broken on purpose, as frozen values of the spec."""

from datetime import time

from stationmaster.core.drills import DrillPolicy, ScheduledDrill
from stationmaster.manifest.schema_drills import DrillsDocument
from stationmaster.manifest.values import parse_seconds


def drills(document: DrillsDocument) -> DrillPolicy:
    return DrillPolicy(
        allowed=document.allowed,
        longest_s=parse_seconds(document.longest),
        schedule=tuple(
            ScheduledDrill(
                drill=each.drill,
                every_s=parse_seconds(each.every),
                at=None if each.at is None else time.fromisoformat(each.at),
            )
            for each in document.schedule
        ),
    )
