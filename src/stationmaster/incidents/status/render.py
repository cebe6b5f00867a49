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
from stationmaster.incidents.status.prepared import Document, Prepared, document
from stationmaster.incidents.status.view import IncidentView, MaintenanceView, View
from stationmaster.incidents.status.words import MaintenanceStatus

HTML, CSS, JSON = "text/html; charset=utf-8", "text/css; charset=utf-8", "application/json"
_RECENT_DAYS = 14
_TEMPLATES = ("page.html", "parts.html", "overview.html", "history.html", "one.html", "subscribe.html", "said.html")
_NAMES = {"incidents": "Incident", "maintenances": "Maintenance"}


def prepare(view: View, now: datetime, before: Prepared) -> Prepared:
    """Documents that are what they were before are kept."""
    drawn: dict[str, tuple[bytes, str]] = {"style.css": (_style(), CSS)}
    drawn |= {name: (text.encode(), HTML) for name, text in _pages(view, now).items()}
    drawn["history.atom"] = feeds.atom(view), "application/atom+xml; charset=utf-8"
    drawn["history.rss"] = feeds.rss(view), "application/rss+xml; charset=utf-8"
    for name, told in statuspage.documents(view).items():
        drawn[f"api/v2/{name}"] = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), JSON
    return Prepared({name: document(*each, before.find(name)) for name, each in drawn.items()})


def draw(template: str, view: View, **more: Any) -> str:
    """One page. Whatever stands in it is text: templates escape it."""
    zone = ZoneInfo(view.zone)
    return (
        _environment()
        .get_template(template)
        .render(
            view=view,
            local=lambda moment: moment.astimezone(zone),
            root=f"/{view.url.partition('//')[2].partition('/')[2]}".rstrip("/"),
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
    for kind, found in (("incidents", view.incidents), ("maintenances", view.maintenances)):
        for each in found:
            pages[f"{kind}/{each.id}"] = draw("one.html", view, each=each, kind=kind, noun=_NAMES[kind])
    return pages


def _planned(view: View) -> dict[str, Any]:
    return {
        "active": view.maintenances_of(MaintenanceStatus.IN_PROGRESS),
        "upcoming": view.maintenances_of(MaintenanceStatus.SCHEDULED),
    }


def _recent(view: View, now: datetime, zone: ZoneInfo) -> list[tuple[date, list[IncidentView | MaintenanceView]]]:
    """What is over, by its day, of the last two weeks; days without anything are shown as well."""
    today = now.astimezone(zone).date()
    over: list[IncidentView | MaintenanceView] = [each for each in view.incidents if each.resolved_at is not None]
    over += view.maintenances_of(MaintenanceStatus.COMPLETED)
    days = [today - timedelta(days=back) for back in range(_RECENT_DAYS)]
    return [(day, [each for each in over if _begun(each).astimezone(zone).date() == day]) for day in days]


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
