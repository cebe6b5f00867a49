"""The files with secrets that contacts, channels and the mail server name, and their absolute names."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from stationmaster.manifest.parts import PartDocument
from stationmaster.manifest.places import Places, moved
from stationmaster.manifest.schema import SettingsDocument
from stationmaster.manifest.schema_response import ChannelDocument, ContactDocument, ResponderDocument

C = TypeVar("C", ContactDocument, ChannelDocument)

Named = tuple[Struct, tuple[str | int, ...], str]
"""What names a file, in which field, and the name."""


def secret_files(document: Struct) -> Iterator[Named]:
    match document:
        case ResponderDocument(contacts=contacts):
            for contact in contacts:
                if contact.secret_file is not None:
                    yield contact, ("secret_file",), contact.secret_file
        case ChannelDocument(secret_file=str() as name):
            yield document, ("secret_file",), name
        case SettingsDocument() as settings:
            smtp = settings.incidents.smtp
            if smtp is not None and smtp.password_file is not None:
                yield smtp, ("password_file",), smtp.password_file


def with_absolute_secrets(document: PartDocument, folder: Path, places: Places) -> PartDocument:
    if not any(secret_files(document)):
        return document
    match document:
        case ResponderDocument(contacts=contacts):
            return moved(document, places, contacts=[_absolute(each, folder, places) for each in contacts])
        case ChannelDocument():
            return _absolute(document, folder, places)
        case SettingsDocument(incidents=incidents) if incidents.smtp is not None:
            password = str(folder / (incidents.smtp.password_file or ""))
            smtp = moved(incidents.smtp, places, password_file=password)
            return moved(document, places, incidents=moved(incidents, places, smtp=smtp))
        case _:
            return document


def _absolute(contact: C, folder: Path, places: Places) -> C:
    if contact.secret_file is None:
        return contact
    return moved(contact, places, secret_file=str(folder / contact.secret_file))
