"""The JSON of Statuspage's public API (`/api/v2`), made from what the public may see."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from stationmaster.incidents.status.ids import id_of
from stationmaster.incidents.status.view import ComponentView, IncidentView, MaintenanceView, PostView, View
from stationmaster.incidents.status.words import Impact, MaintenanceStatus

Document: TypeAlias = dict[str, Any]

_MOST = 50
"""As many as Statuspage tells."""


def documents(view: View) -> Mapping[str, Document]:
    """By their path below `/api/v2/`."""
    page = {"page": page_of(view)}
    ahead = (MaintenanceStatus.SCHEDULED,)
    under_way = (MaintenanceStatus.IN_PROGRESS,)
    planned = [each for each in view.maintenances if each.status is not MaintenanceStatus.COMPLETED]
    status = {"status": {"indicator": view.indicator.value, "description": view.headline}}
    components = {"components": components_of(view)}
    return {
        "summary.json": page
        | status
        | components
        | {
            "incidents": [incident_of(view, each) for each in view.unresolved],
            "scheduled_maintenances": [maintenance_of(view, each) for each in reversed(planned)],
        },
        "status.json": page | status,
        "components.json": page | components,
        "incidents.json": page | {"incidents": [incident_of(view, each) for each in view.incidents[:_MOST]]},
        "incidents/unresolved.json": page | {"incidents": [incident_of(view, each) for each in view.unresolved]},
        "scheduled-maintenances.json": page | _maintenances(view, view.maintenances[:_MOST]),
        "scheduled-maintenances/upcoming.json": page | _maintenances(view, view.maintenances_of(*ahead)),
        "scheduled-maintenances/active.json": page | _maintenances(view, view.maintenances_of(*under_way)),
    }


def page_of(view: View) -> Document:
    return {
        "id": view.page_id,
        "name": view.title,
        "url": view.url,
        "time_zone": view.zone,
        "updated_at": _at(view.updated_at),
    }


def components_of(view: View) -> list[Document]:
    """Groups are components as well, in front of their members."""
    found: list[Document] = []
    for name, members in view.groups:
        if name:
            found.append(_group(view, name, members))
        found += [component_of(view, each) for each in members]
    return found


def component_of(view: View, each: ComponentView) -> Document:
    return {
        "id": each.id,
        "name": each.name,
        "status": each.standing.value,
        "created_at": _at(each.created_at),
        "updated_at": _at(each.updated_at),
        "position": each.position,
        "description": each.description or None,
        "showcase": True,
        "start_date": each.created_at.date().isoformat(),
        "group_id": id_of("group", view.page_id, each.group) if each.group else None,
        "page_id": view.page_id,
        "group": False,
        "only_show_if_degraded": False,
    }


def _group(view: View, name: str, members: tuple[ComponentView, ...]) -> Document:
    gravest_of = max(members, key=lambda each: each.standing.rank)
    return {
        "id": id_of("group", view.page_id, name),
        "name": name,
        "status": gravest_of.standing.value,
        "created_at": _at(min(each.created_at for each in members)),
        "updated_at": _at(max(each.updated_at for each in members)),
        "position": members[0].position,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": view.page_id,
        "group": True,
        "only_show_if_degraded": False,
        "components": [each.id for each in members],
    }


def incident_of(view: View, each: IncidentView) -> Document:
    return {
        "id": each.id,
        "name": each.title,
        "status": each.status.value,
        "created_at": _at(each.created_at),
        "updated_at": _at(each.updated_at),
        "monitoring_at": _at(each.monitoring_at),
        "resolved_at": _at(each.resolved_at),
        "impact": each.impact.value,
        "shortlink": f"{view.url}/incidents/{each.id}",
        "started_at": _at(each.created_at),
        "page_id": view.page_id,
        "incident_updates": [_update(view, each.id, post) for post in each.posts],
        "components": _named(view, each.components),
    }


def maintenance_of(view: View, each: MaintenanceView) -> Document:
    done = each.status is MaintenanceStatus.COMPLETED
    return {
        "id": each.id,
        "name": each.title,
        "status": each.status.value,
        "created_at": _at(each.created_at),
        "updated_at": _at(each.updated_at),
        "monitoring_at": None,
        "resolved_at": _at(each.ends_at) if done else None,
        "impact": Impact.NONE.value,
        "shortlink": f"{view.url}/maintenances/{each.id}",
        "started_at": _at(each.starts_at),
        "page_id": view.page_id,
        "incident_updates": [_update(view, each.id, post) for post in each.posts],
        "components": _named(view, each.components),
        "scheduled_for": _at(each.starts_at),
        "scheduled_until": _at(each.ends_at),
    }


def _maintenances(view: View, chosen: tuple[MaintenanceView, ...]) -> Document:
    return {"scheduled_maintenances": [maintenance_of(view, each) for each in chosen]}


def _named(view: View, names: tuple[str, ...]) -> list[Document]:
    return [component_of(view, each) for each in view.components if each.name in names]


def _update(view: View, about: str, post: PostView) -> Document:
    codes = {each.name: each.id for each in view.components}
    affected = [
        {
            "code": codes.get(each.name, ""),
            "name": each.name,
            "old_status": each.before.value,
            "new_status": each.after.value,
        }
        for each in post.affected
    ]
    return {
        "id": post.id,
        "status": post.status,
        "body": post.body,
        "incident_id": about,
        "created_at": _at(post.at),
        "updated_at": _at(post.at),
        "display_at": _at(post.at),
        "affected_components": affected,
    }


def _at(moment: datetime | None) -> str | None:
    """Milliseconds, as Statuspage writes them."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
