"""Whether the command of a service can be an argv: a program, arguments one by one, known placeholders."""

import re

from msgspec import Struct

from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.places import Places
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema_hosts import ServiceDocument

PLACEHOLDERS = ("address", "host", "port", "instance", "region", "service")

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


def check_command(service: ServiceDocument, places: Places, problems: Problems) -> None:
    check_argv(service, service.command, places, problems)


def check_argv(thing: Struct, argv: list[str], places: Places, problems: Problems) -> None:
    """`argv` is the field `command` of the thing."""
    if argv:
        _check_program(thing, argv, places, problems)
    for at, argument in enumerate(argv):
        for name in _PLACEHOLDER.findall(argument):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                hint = problems.closest(name, PLACEHOLDERS) or f"placeholders are {known}"
                origin = places.origin(thing, "command", at)
                problems.add("unknown-placeholder", f"nothing fills {quoted('{' + name + '}')} in", origin, hint)


def _check_program(thing: Struct, argv: list[str], places: Places, problems: Problems) -> None:
    program = argv[0]
    origin = places.origin(thing, "command", 0)
    if not program.strip():
        problems.add("bad-command", "the program of the command is empty", origin, "begin with the program's name")
    elif _PLACEHOLDER.search(program):
        hint = "name the program; placeholders are for its arguments"
        problems.add("bad-command", "the program of the command is a placeholder", origin, hint)
    elif len(argv) == 1 and re.search(r"\s", program):
        hint = f"write [{', '.join(program.split()[:4])}, …]: no shell splits it"
        problems.add("bad-command", "the program and its arguments stand in one item", origin, hint)
