"""The command line: `stationmaster`, or `stm` for short."""

import typer

from stationmaster import __version__
from stationmaster.cli import down, drill, incident, key, roles, runbook, status, up
from stationmaster.cli.output import out

app = typer.Typer(
    name="stationmaster",
    help="An API platform that works its own runbooks: gateway, key service, monitoring, incidents.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__)


app.command(epilog=up.EXAMPLES)(up.up)
app.command(epilog=down.EXAMPLES)(down.down)
app.command(epilog=status.EXAMPLES)(status.status)
app.add_typer(incident.verbs, name="incident")
app.add_typer(runbook.verbs, name="runbook")
app.add_typer(drill.verbs, name="drill")
app.add_typer(key.verbs, name="key")
app.command(rich_help_panel="Roles, for one process each")(roles.control)
app.command(rich_help_panel="Roles, for one process each")(roles.keys)
app.command(rich_help_panel="Roles, for one process each")(roles.doctor)
app.command("sample-api", rich_help_panel="Roles, for one process each")(roles.sample_api)


def run() -> None:
    """The entry point of both programs."""
    app()
