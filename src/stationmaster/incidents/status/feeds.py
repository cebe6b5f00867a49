"""History as feeds: Atom (RFC 4287) and RSS 2.0."""

from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from xml.etree.ElementTree import Element, SubElement, tostring

from stationmaster.incidents.status.view import IncidentView, MaintenanceView, View

_ATOM = "http://www.w3.org/2005/Atom"
_MOST = 25


def atom(view: View) -> bytes:
    feed = Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _text(feed, "id", f"tag:{_host(view)},2005:{view.page_id}")
    _text(feed, "title", f"{view.title} status - incident history")
    _text(feed, "updated", _rfc3339(view.updated_at))
    SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{view.url}/history.atom"})
    SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": view.url})
    author = SubElement(feed, "author")
    _text(author, "name", view.title)
    for each in _latest(view):
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"tag:{_host(view)},2005:{view.page_id}/{each.id}")
        _text(entry, "title", each.title)
        _text(entry, "published", _rfc3339(each.created_at))
        _text(entry, "updated", _rfc3339(each.updated_at))
        SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": _link(view, each)})
        _text(entry, "content", _html(each), type="html")
    return _document(feed)


def rss(view: View) -> bytes:
    whole = Element("rss", {"version": "2.0", "xmlns:atom": _ATOM})
    channel = SubElement(whole, "channel")
    _text(channel, "title", f"{view.title} status - incident history")
    _text(channel, "link", view.url)
    _text(channel, "description", f"Incidents and maintenance of {view.title}")
    _text(channel, "language", "en")
    _text(channel, "pubDate", format_datetime(view.updated_at.astimezone(UTC)))
    itself = {"rel": "self", "type": "application/rss+xml", "href": f"{view.url}/history.rss"}
    SubElement(channel, "atom:link", itself)
    for each in _latest(view):
        item = SubElement(channel, "item")
        _text(item, "title", each.title)
        _text(item, "description", _html(each))
        _text(item, "pubDate", format_datetime(each.created_at.astimezone(UTC)))
        _text(item, "link", _link(view, each))
        _text(item, "guid", _link(view, each), isPermaLink="true")
    return _document(whole)


def _latest(view: View) -> list[IncidentView | MaintenanceView]:
    every: list[IncidentView | MaintenanceView] = [*view.incidents, *view.maintenances]
    return sorted(every, key=lambda each: each.updated_at, reverse=True)[:_MOST]


def _link(view: View, each: IncidentView | MaintenanceView) -> str:
    kind = "incidents" if isinstance(each, IncidentView) else "maintenances"
    return f"{view.url}/{kind}/{each.id}"


def _html(each: IncidentView | MaintenanceView) -> str:
    lines = []
    if isinstance(each, MaintenanceView):
        lines.append(f"<p>Scheduled from {_rfc3339(each.starts_at)} until {_rfc3339(each.ends_at)}</p>")
    for post in each.posts:
        status = post.status.replace("_", " ").capitalize()
        body = "<br>".join(escape(line) for line in post.body.splitlines())
        lines.append(f"<p><small>{_rfc3339(post.at)}</small><br><strong>{status}</strong> - {body}</p>")
    return "".join(lines)


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = "".join(each for each in text if _may_be(each))


def _may_be(character: str) -> bool:
    """XML 1.0 has no way to write other characters (2.2)."""
    code = ord(character)
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _document(root: Element) -> bytes:
    body: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _host(view: View) -> str:
    return view.url.partition("//")[2].partition("/")[0].partition(":")[0] or "localhost"
