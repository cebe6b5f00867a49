"""Finds whom to ask: names, roles, channels, addresses and numbers, from lists, tables and prose."""

import re
from collections.abc import Iterator, Sequence

from stationmaster.runbooks.read.knowledge import Contact
from stationmaster.runbooks.read.passages import SHOWN, Chapter, Passage, Shape, labelled, plain

_SECTION = re.compile(
    r"\bcontacts?\b(?! cent)|\bwho to (?:contact|call|ask)|\bsupport channels?\b|\bon-?call (?:contacts|rota|list)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w./:@-])[A-Za-z0-9][\w.+-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![\w@:/])")
_NO_EMAIL = re.compile(
    r"@example\.|^(?:git|root|user|you|your|name|someone)@|@(?:localhost|email\.com|domain)", re.IGNORECASE
)
_CHANNEL = re.compile(r"(?<![\w/&`#(\[])`?(?P<name>#[a-z][\w-]{2,})`?(?![\w(/])")
_SLACK = re.compile(r"\bslack\b|\bchannels?\b", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.])\+\d[\d\s().-]{5,}[\dA-Z](?:[\dA-Z-]*)|(?<![\w.])\+\d[\d-]*-[A-Z]{4,}(?![\w])")
_CODE = re.compile(r"`[^`\n]*`")
_LINKED = re.compile(r"\]\([^)\n]*\)|<[a-z]+:[^>\n]*>")
_SPLIT = re.compile(r"\s+(?:–|—|-)\s+|,\s+|\s*\|\s*|:\s+")
_COLUMNS = (
    ("name", re.compile(r"\bname\b|\bperson\b|\bwho\b|\bcontact\b", re.IGNORECASE)),
    ("role", re.compile(r"\brole\b|\btitle\b|\bteam\b|\bfunction\b|\bresponsib", re.IGNORECASE)),
    ("email", re.compile(r"e-?mail", re.IGNORECASE)),
    ("slack", re.compile(r"slack|channel|chat", re.IGNORECASE)),
    ("phone", re.compile(r"phone|mobile|pager\b|number", re.IGNORECASE)),
)
_MOST_WORDS = 6


def contacts_of(root: Chapter, *, people: Sequence[Contact] = ()) -> tuple[Contact, ...]:
    """`people` are those that the document includes from contacts data; each contact is told once."""
    found: dict[tuple[str, str, str, str], Contact] = {}
    for each in (*people, *_found(root)):
        found.setdefault((each.name if not _reached(each) else "", each.email, each.slack, each.phone), each)
    return tuple(found.values())


def _reached(contact: Contact) -> bool:
    return bool(contact.email or contact.slack or contact.phone)


def _found(root: Chapter) -> Iterator[Contact]:
    for chapter in root.walk():
        listed = chapter.under(_SECTION)
        for passage in chapter.passages:
            if passage.shape in SHOWN:
                continue
            if listed and passage.cells:
                yield from _row(passage)
            elif listed and passage.shape is Shape.ITEM:
                yield from _listed(passage)
            elif "@" in passage.text or "#" in passage.text:
                yield from _mentioned(passage)


def _listed(passage: Passage) -> Iterator[Contact]:
    """ "**Primary On-call:** ops@company.com", "Ada Smith – Team lead – @ada"."""
    text = plain(passage.text)
    label, rest = labelled(passage.text)
    email, slack, phone = _ways(text)
    if not (email or slack or phone):
        return
    pieces = [each for each in _SPLIT.split(plain(rest)) if not _is_way(each)]
    name = label or (pieces.pop(0) if pieces else "")
    role = pieces[0] if pieces and not _ways(pieces[0])[0] else ""
    name = name.strip(" :()")
    if not name or len(name.split()) > _MOST_WORDS:
        name, role = email or slack or phone, ""
    yield Contact(name=name, role=role.strip(" ()"), email=email, slack=slack, phone=phone, line=passage.line)


def _is_way(text: str) -> bool:
    """Whether a piece is nothing but a way to reach somebody."""
    email, slack, phone = _ways(text)
    way = email or slack or phone
    return bool(way) and len(text.replace(way, "").strip(" ()`<>:")) <= len("Slack channel")


def _row(row: Passage) -> Iterator[Contact]:
    said = {
        name: next((row.cells[at] for at, head in enumerate(row.header[: len(row.cells)]) if pattern.search(head)), "")
        for name, pattern in _COLUMNS
    }
    email, slack, phone = _ways(" ".join(row.cells))
    slack = slack or (said["slack"] if said["slack"].startswith(("#", "@")) else "")
    if not (email or slack or phone):
        return
    name = said["name"] or said["role"] or row.cells[0]
    role = said["role"] if said["name"] else ""
    yield Contact(name=name, role=role, email=email, slack=slack, phone=phone or said["phone"], line=row.line)


def _ways(text: str) -> tuple[str, str, str]:
    """The e-mail address, the channel and the number in a text; empty where there is none."""
    email, channel, phone = _EMAIL.search(text), _CHANNEL.search(text), _PHONE.search(text)
    handle = re.search(r"(?<![\w.])@[a-z][\w.-]+", text) if "slack" in text.lower() or not email else None
    slack = channel["name"] if channel else (handle[0] if handle and not email else "")
    return email[0] if email else "", slack, phone[0].strip() if phone else ""


def _mentioned(passage: Passage) -> Iterator[Contact]:
    """Addresses and channels that prose names anywhere."""
    text = _LINKED.sub(lambda match: "]" + " " * (len(match[0]) - 1), passage.text)
    if "@" in text:
        bare = _CODE.sub(lambda match: " " * len(match[0]), text)
        for match in _EMAIL.finditer(bare):
            if not _NO_EMAIL.search(match[0]):
                yield Contact(name=match[0], email=match[0], line=passage.line_of(match.start()))
    if _SLACK.search(text):
        for match in _CHANNEL.finditer(text.replace("[", " ")):
            yield Contact(name=match["name"], slack=match["name"], line=passage.line_of(match.start()))
