"""What a document is rendered against: the contacts, links and other data of its library."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stationmaster.runbooks.read.knowledge import Contact

_FIELDS: dict[str, tuple[str, ...]] = {
    "role": ("role", "title"),
    "slack": ("slack", "slack_id", "channel"),
    "user_id": ("userid", "user_id", "notesid"),
    "email": ("email", "mail"),
    "phone": ("phone", "mobile"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingContext:
    """`data` is Jekyll's `site.data`, `site` what else its configuration says (`baseurl`), `target` chooses among the
    data of several sites; `includes` are the texts that `{% include NAME %}` means; `contacts` and `links` are entries
    by name, used wherever a document asks for `….contacts.NAME.…` and its data has no such entry."""

    data: Mapping[str, object] = field(default_factory=dict)
    site: Mapping[str, object] = field(default_factory=dict)
    includes: Mapping[str, str] = field(default_factory=dict)
    contacts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    target: str = ""

    def names(self) -> dict[str, object]:
        """What a template sees besides `page`."""
        site: dict[str, object] = {**self.site, "data": self.data}
        if self.target:
            site["target"] = self.target
        return {"site": site, "contacts": self.contacts, "links": self.links}

    def entry(self, path: tuple[object, ...]) -> object:
        """The value that a path ends with, from `contacts` and `links`: (…, "contacts", "team-1", "slack")."""
        if len(path) < 3 or path[-3] not in {"contacts", "links"}:
            return None
        entries = self.contacts if path[-3] == "contacts" else self.links
        return entries.get(str(path[-2]), {}).get(str(path[-1]))

    def named(self, name: str) -> str:
        """The key of the contact that is called so; empty where none is."""
        wanted = _folded(name)
        names = {key: {_folded(key), _folded(str(said.get("name")))} for key, said in self.contacts.items()}
        return next((key for key, called in names.items() if wanted in called), "") if wanted else ""

    def person(self, name: str) -> Mapping[str, object]:
        """What is known of a contact by its name; empty where nothing is."""
        return self.contacts.get(name) or next((each[name] for each in _contact_tables(self.data) if name in each), {})


NOTHING = ReadingContext()
"""For a document that has nothing beside it."""


def contact_of(key: str, said: Mapping[str, object], *, line: int) -> Contact:
    """`said` are the fields of the entry, in whatever of the usual names they have."""
    values = {
        ours: next((str(said[each]).strip() for each in theirs if said.get(each)), "")
        for ours, theirs in _FIELDS.items()
    }
    return Contact(
        name=str(said.get("name") or "").strip() or key,
        key=key,
        line=line,
        role=values["role"],
        slack=values["slack"],
        user_id=values["user_id"],
        email=values["email"],
        phone=values["phone"],
        known=any(str(value).strip() for value in said.values()),
    )


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split())


def _contact_tables(data: Mapping[str, object], depth: int = 0) -> Iterator[Mapping[str, Mapping[str, object]]]:
    """Every mapping called `contacts` in the data."""
    for key, value in data.items():
        if not isinstance(value, Mapping) or depth > 3:
            continue
        if key == "contacts":
            yield {str(name): entry for name, entry in value.items() if isinstance(entry, Mapping)}
        else:
            yield from _contact_tables(value, depth + 1)
