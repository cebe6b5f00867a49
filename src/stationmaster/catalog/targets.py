"""Decides what a virtual host is with a target more, with another weight, or without one."""

from collections.abc import Mapping
from typing import Any

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import VirtualHost

Body = Mapping[str, Any]


def with_target(body: Body, host: VirtualHost | None, target: str, weight: int) -> dict[str, Any]:
    """The body with that weight for the target, which is an instance or an address; a new one comes last."""
    wanted = _written(host, target)
    others = [each for each in body.get("targets", ()) if not _is(each, wanted)]
    changed = [{**each, "weight": weight} if _is(each, wanted) else each for each in body.get("targets", ())]
    if len(others) < len(changed):
        return {**body, "targets": changed}
    return {**body, "targets": [*others, {"address" if ":" in wanted else "instance": wanted, "weight": weight}]}


def without_target(body: Body, host: VirtualHost | None, target: str) -> dict[str, Any]:
    """Raises PlatformError `unknown-target`."""
    wanted = _written(host, target)
    left = [each for each in body.get("targets", ()) if not _is(each, wanted)]
    if len(left) == len(body.get("targets", ())):
        known = ", ".join(str(each.get("instance") or each.get("address")) for each in left) or "none"
        raise PlatformError(
            "unknown-target", f"{body.get('name')} has no target {target[:200]!r}", hint=f"it has {known}", status=404
        )
    return {**body, "targets": left}


def _is(target: Body, wanted: str) -> bool:
    return wanted in (target.get("instance"), target.get("address"))


def _written(host: VirtualHost | None, target: str) -> str:
    """How the declaration names it: an instance may be asked for by its address too."""
    known = (each for each in host.targets if str(each.address) == target) if host else ()
    return next((each.instance for each in known if each.instance is not None), target)
