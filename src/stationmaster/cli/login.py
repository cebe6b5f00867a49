"""`login`, `logout`, `whoami`, `password`: a person's session with a control plane."""

from contextlib import suppress
from typing import Annotated

import typer

from stationmaster.api.wire import Empty
from stationmaster.api.wire_access import LoggedIn, Login, NewPassword, WhoAmI
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.secret import ask_new_password, ask_password
from stationmaster.cli.session import SavedSession, asked_url, control_url, forget, in_clear, keep, session_of
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError

LOGIN_EXAMPLES = (
    "Examples: [bold]stationmaster login[/bold]; "
    "[bold]stationmaster login --name lin --url http://127.0.0.1:7000[/bold]; "
    "[bold]pass show stationmaster | stationmaster login --name lin[/bold]"
)
LOGOUT_EXAMPLES = "Example: [bold]stationmaster logout[/bold]"
WHOAMI_EXAMPLES = "Examples: [bold]stationmaster whoami[/bold]; [bold]stationmaster whoami --json | jq .role[/bold]"
PASSWORD_EXAMPLES = "Example: [bold]stationmaster password[/bold]"  # noqa: S105 an example

UrlOption = Annotated[
    str, typer.Option("--url", help="The control plane; without it that of the state folder, else the last one.")
]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Send the password in clear text to another machine. The control API speaks plain HTTP: put a proxy with"
        " TLS before it, or come through an SSH tunnel.",
    ),
]


def login(
    name: Annotated[str, typer.Option("--name", "-n", help="Who logs in; asked for where it is left out.")] = "",
    url: UrlOption = "",
    insecure: InsecureOption = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Log in with a name and a password. The session is kept for you alone, in your configuration folder."""
    with refusals():
        place = _place(url, state_dir(state))
        if in_clear(place) and not insecure:
            raise PlatformError(
                "password-in-clear",
                f"{place} is another machine, and the password would travel there in clear text",
                hint="come through an SSH tunnel or a proxy with TLS; --insecure does it all the same",
            )
        who = name or str(typer.prompt("name", err=True))
        order = Login(name=who, password=ask_password())
        begun = ControlClient.at(place, "").post("/api/v1/login", order, LoggedIn)
        keep(
            SavedSession(
                url=place, token=begun.token, name=begun.name, role=begun.role.value, expires_at=begun.expires_at
            )
        )
    if as_json:
        print_json({"url": place, "name": begun.name, "role": begun.role, "expires_at": begun.expires_at})
        return
    out.print(f"logged in at {place} as {begun.name} ({begun.role.value}) until {_local(begun)}")


def logout(url: UrlOption = "") -> None:
    """End the session that `login` began, here and at the control plane."""
    with refusals():
        session = _session(url)
        forget(session.url)
        try:
            ControlClient.at(session.url, session.token).post("/api/v1/logout", Empty(), Empty)
        except PlatformError as error:
            if error.status != 401:  # it had ended already
                err.print(f"forgotten here; the control plane could not be told: {error.message}", markup=False)
                raise typer.Exit(1) from error
    out.print(f"logged out from {session.url}")


def whoami(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show as whom the control plane knows you."""
    with refusals():
        seen = ControlClient(state_dir(state)).get("/api/v1/whoami", WhoAmI)
    if as_json:
        print_json(seen)
        return
    until = "" if seen.expires_at is None else f", until {seen.expires_at.astimezone():%Y-%m-%d %H:%M}"
    out.print(f"{seen.name} ({seen.role.value}), known by a {seen.proof}{until}")


def password(url: UrlOption = "") -> None:
    """Change your own password; your other sessions end."""
    with refusals():
        session = _session(url)
        order = NewPassword(current=ask_password("current password"), new=ask_new_password())
        ControlClient.at(session.url, session.token).put("/api/v1/password", order, Empty)
    out.print("password changed; other sessions have ended")


def _place(url: str, state: StateDir) -> str:
    if url:
        return control_url(url)
    if (named := asked_url()) is not None:
        return named
    with suppress(OSError):
        return control_url(state.control_url.read_text("utf-8"))
    last = session_of(None)
    if last is None:
        hint = "name the control plane with --url, or its state folder with --state"
        raise PlatformError("no-url", "no control plane is known here", hint=hint)
    return last.url


def _session(url: str) -> SavedSession:
    session = session_of(control_url(url) if url else asked_url())
    if session is None:
        hint = "`stationmaster login` begins one"
        raise PlatformError("not-logged-in", "there is no session here", hint=hint, status=401)
    return session


def _local(begun: LoggedIn) -> str:
    return f"{begun.expires_at.astimezone():%Y-%m-%d %H:%M}"
