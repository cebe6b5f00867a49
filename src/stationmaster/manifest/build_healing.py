"""The bounds of healing, as frozen values of the spec."""

from stationmaster.core.healing import NO_OVERRIDES, HealingOverrides, HealingPolicy
from stationmaster.manifest.schema_healing import HealingDocument, ServiceHealingDocument
from stationmaster.manifest.values import parse_duration


def healing(document: HealingDocument) -> HealingPolicy:
    return HealingPolicy(
        min_targets=document.min_targets,
        max_withdrawn_percent=document.max_withdrawn_percent,
        max_restarts_per_hour=document.max_restarts_per_hour,
        max_actions_per_hour=document.max_actions_per_hour,
        one_change_at_a_time=document.one_change_at_a_time,
        stop_when_worse=document.stop_when_worse,
        slow_start_ms=0 if document.slow_start is None else parse_duration(document.slow_start),
    )


def service_healing(document: ServiceHealingDocument | None) -> HealingOverrides:
    if document is None:
        return NO_OVERRIDES
    return HealingOverrides(
        min_targets=document.min_targets,
        max_withdrawn_percent=document.max_withdrawn_percent,
        max_restarts_per_hour=document.max_restarts_per_hour,
        max_actions_per_hour=document.max_actions_per_hour,
        one_change_at_a_time=document.one_change_at_a_time,
        stop_when_worse=document.stop_when_worse,
        slow_start_ms=None if document.slow_start is None else parse_duration(document.slow_start),
    )
