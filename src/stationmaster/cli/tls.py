"""`tls ca`: what clients of the control plane's HTTPS have to trust."""

from typing import Annotated

import typer

from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="HTTPS of the control plane.", no_args_is_help=True)


@verbs.command(
    epilog="Examples: [bold]stationmaster tls ca[/bold], "
    "[bold]curl --cacert $(stationmaster tls ca) https://127.0.0.1:4582/healthz[/bold], "
    "[bold]stationmaster tls ca --pem > ca.pem[/bold]"
)
def ca(
    pem: Annotated[bool, typer.Option("--pem", help="Print the certificate itself.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Print the file of the certificate authority that certifies the control plane."""
    from stationmaster.runtime.tls import TlsFolder

    with refusals():
        folder = state_dir(state)
        file = TlsFolder(folder.tls).ca
        try:
            text = file.read_text("utf-8")
        except FileNotFoundError as error:
            hint = "declare `control: {api_tls: 127.0.0.1:4582}` without `tls`, and start: `stationmaster up`"
            raise PlatformError("no-authority", f"there is no {file}", hint=hint, status=404) from error
    if as_json:
        print_json({"file": str(file.absolute()), "certificate": text})
    elif pem:
        typer.echo(text, nl=False)
    else:
        out.print(str(file.absolute()), soft_wrap=True, markup=False, highlight=False)


@verbs.callback()
def tls() -> None:
    """HTTPS of the control plane."""
