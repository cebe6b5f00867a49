"""Draws every page, feed and JSON document of the status page from what the public may see."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import DictLoader, Environment, StrictUndefined

from stationmaster.incidents.status import feeds, statuspage
from stationmaster.incidents.status.bars import bar_of
from stationmaster.incidents.status.prepared import Prepared, document
from stationmaster.incidents.status.view import IncidentView, MaintenanceView, View
from stationmaster.incidents.status.words import MaintenanceStatus

HTML, CSS, JSON = "text/html; charset=utf-8", "text/css; charset=utf-8", "application/json"
_RECENT_DAYS = 14
_TEMPLATES = ("page.html", "parts.html", "overview.html", "history.html", "one.html", "subscribe.html", "said.html")
_NAMES = {"incidents": "Incident", "maintenances": "Maintenance"}


def prepare(view: View, now: datetime, before: Prepared) -> Prepared:
    """Documents that are what they were before are kept."""
    made_of = _made_of(view)
    kept = {name for name, source in made_of.items() if before.made_of.get(name) == source}
    drawn: dict[str, tuple[bytes, str]] = {"style.css": (_style(), CSS)}
    drawn |= {name: (text.encode(), HTML) for name, text in _pages(view, now).items()}
    drawn |= {name: (_one(view, name).encode(), HTML) for name in made_of if name not in kept}
    drawn["history.atom"] = feeds.atom(view), "application/atom+xml; charset=utf-8"
    drawn["history.rss"] = feeds.rss(view), "application/rss+xml; charset=utf-8"
    for name, told in statuspage.documents(view).items():
        drawn[f"api/v2/{name}"] = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), JSON
    made = {name: document(*each, before.find(name)) for name, each in drawn.items()}
    return Prepared(made | {name: before.documents[name] for name in kept}, made_of)


def draw(template: str, view: View, **more: Any) -> str:
    """One page. Whatever stands in it is text: templates escape it."""
    zone = ZoneInfo(view.zone)
    root = f"/{view.url.partition('//')[2].partition('/')[2]}".rstrip("/")
    return (
        _environment()
        .get_template(template)
        .render(
            view=view,
            local=lambda moment: moment.astimezone(zone),
            root=root,
            home=root or "/",
            **more,
        )
    )


def _pages(view: View, now: datetime) -> Mapping[str, str]:
    zone = ZoneInfo(view.zone)
    months = _months(view, zone)
    pages = {
        "": draw("overview.html", view, recent=_recent(view, now, zone), bar_of=bar_of, **_planned(view)),
        "history": draw("history.html", view, months=months[:3], links=[each[0] for each in months], heading="History"),
        "subscribe": draw("subscribe.html", view, problem=""),
    }
    for month, items in months:
        heading = f"{month:%B %Y}"
        links = [each[0] for each in months]
        page = draw("history.html", view, months=[(month, items)], links=links, heading=heading)
        pages[f"history/{month:%Y-%m}"] = page
    return pages


def _made_of(view: View) -> dict[str, object]:
    """Pages of one incident or maintenance, and all that each of them shows."""
    page = view.title, view.url, view.zone
    incidents: dict[str, object] = {f"incidents/{each.id}": (page, each) for each in view.incidents}
    return incidents | {f"maintenances/{each.id}": (page, each) for each in view.maintenances}


def _one(view: View, name: str) -> str:
    kind, _, number = name.partition("/")
    every: dict[str, IncidentView | MaintenanceView] = {each.id: each for each in view.incidents}
    every |= {each.id: each for each in view.maintenances}
    return draw("one.html", view, each=every[number], noun=_NAMES[kind])


def _planned(view: View) -> dict[str, Any]:
    return {
        "active": view.maintenances_of(MaintenanceStatus.IN_PROGRESS),
        "upcoming": view.maintenances_of(MaintenanceStatus.SCHEDULED),
    }


def _recent(view: View, now: datetime, zone: ZoneInfo) -> list[tuple[date, list[IncidentView | MaintenanceView]]]:
    """What happened in the last two weeks, by the day on which it began; days without anything are shown as well."""
    today = now.astimezone(zone).date()
    begun: list[IncidentView | MaintenanceView] = [*view.incidents]
    begun += [each for each in view.maintenances if each.status is not MaintenanceStatus.SCHEDULED]
    days = [today - timedelta(days=back) for back in range(_RECENT_DAYS)]
    return [(day, [each for each in begun if _begun(each).astimezone(zone).date() == day]) for day in days]


def _months(view: View, zone: ZoneInfo) -> list[tuple[date, list[IncidentView | MaintenanceView]]]:
    """The newest first."""
    every: list[IncidentView | MaintenanceView] = [*view.incidents]
    every += [each for each in view.maintenances if each.status is not MaintenanceStatus.SCHEDULED]
    every.sort(key=_begun, reverse=True)
    return [(month, list(found)) for month, found in groupby(every, lambda each: _month(_begun(each), zone))]


def _begun(each: IncidentView | MaintenanceView) -> datetime:
    return each.created_at if isinstance(each, IncidentView) else each.starts_at


def _month(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date().replace(day=1)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    folder = files(__package__) / "templates"
    sources = {name: (folder / name).read_text("utf-8") for name in _TEMPLATES}
    made = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["words"] = lambda text: str(text).replace("_", " ").capitalize()
    made.filters["paragraphs"] = _paragraphs
    made.tests["incident"] = lambda each: isinstance(each, IncidentView)
    return made


def _paragraphs(text: str) -> list[list[str]]:
    """A blank line ends a paragraph; every paragraph is a list of lines."""
    return [part.splitlines() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


@lru_cache(maxsize=1)
def _style() -> bytes:
    return (files(__package__) / "templates" / "style.css").read_bytes()
