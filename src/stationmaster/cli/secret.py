"""Asks for passwords without showing them; a program hands one over as a line of standard input."""

import getpass
import sys

from stationmaster.core.problem import PlatformError


def ask_password(prompt: str = "password") -> str:
    if not sys.stdin.isatty():
        return _line()
    try:
        return getpass.getpass(f"{prompt}: ")
    except EOFError:
        return _line()


def ask_new_password() -> str:
    """Twice, where a person types it. Raises PlatformError `passwords-differ`."""
    first = ask_password("new password")
    if sys.stdin.isatty() and ask_password("the same again") != first:
        raise PlatformError("passwords-differ", "the two passwords differ", hint="try again")
    return first


def _line() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        hint = "type it on a terminal, or give it as a line of standard input"
        raise PlatformError("no-password", "there is no password to read", hint=hint)
    return line
