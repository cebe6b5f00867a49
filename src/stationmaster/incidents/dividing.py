"""Makes one incident of two, and two of one."""

from collections.abc import Sequence

from stationmaster.core.facts import Alert
from stationmaster.core.problem import PlatformError
from stationmaster.incidents import group, linked, opening, placing, store
from stationmaster.incidents.doing import Doing, Ground
from stationmaster.incidents.escalate import Move
from stationmaster.incidents.linked import LinkedAlert
from stationmaster.incidents.paper import What
from stationmaster.incidents.routing import route
from stationmaster.incidents.store import Opening
from stationmaster.incidents.timeline import Entry


async def merge(act: Doing, into: int) -> None:
    source = act.incident.number
    other = await store.known(act.connection, into)
    if into == source or other.status.is_over:
        why = "that is the same one" if into == source else f"#{into} is {other.status.value}"
        hint = "`incident list --status open` shows what it can be merged into"
        raise PlatformError("not-mergeable", f"#{source} cannot be merged into #{into}: {why}", hint=hint, status=409)
    await linked.move_alerts(act.connection, source, into)
    await act.move(Move.ENDED)
    act.values = {"merged_into": into, "resolved_at": act.at, "kept_open": False}
    act.other = into
    await act.say(into, "incident.merged", f"#{source} is merged into this: {act.incident.title}")
    await opening.announce(act.connection, act.incident, What.RESOLVED, act.directory, act.at)


async def split(act: Doing, fingerprints: Sequence[str], ground: Ground) -> int:
    number = act.incident.number
    alerts = await linked.alerts_of(act.connection, number, limit=100_000)
    chosen = [each for each in alerts if each.fingerprint in set(fingerprints)]
    if len(chosen) != len(set(fingerprints)) or not 0 < len(chosen) < len(alerts):
        text = f"#{number} has {len(alerts)} alerts, and these are not some of them"
        hint = "name fingerprints that `incident show` lists, at least one, and not all"
        raise PlatformError("not-splittable", text, hint=hint, status=409)
    alert = _alert(chosen[0], act.incident.url)
    routed = route(ground.declared.value, alert.labels)
    terms = placing.terms_of(ground.declared.value)
    opened = Opening(
        title=group.title_of(alert.labels), at=act.at, chain_at=act.at, routed=routed, group=terms.of_opening(alert)
    )
    text = f"split off #{number}: {act.incident.title}"
    first = Entry(at=act.at, kind="incident.split", by=act.by, text=text)
    fresh = await opening.open_with(act.connection, opened, alert, act.directory, first=first)
    await linked.move_alerts(act.connection, number, fresh, tuple(each.fingerprint for each in chosen))
    await linked.set_firing(act.connection, fresh, chosen[0])
    if not any(each.firing for each in chosen):
        await store.change(act.connection, fresh, kept_open=True)
    if not any(each.firing or each.worked for each in await linked.open_incidents(act.connection, numbers=[number])):
        act.values["kept_open"] = True  # as what was split off: somebody ends it who looks at it
    act.other = fresh
    return fresh


def _alert(one: LinkedAlert, url: str) -> Alert:
    return Alert(fingerprint=one.fingerprint, labels=one.labels, summary=one.summary, url=url, starts_at=one.starts_at)
