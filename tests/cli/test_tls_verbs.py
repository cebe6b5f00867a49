"""`tls ca` names what clients have to trust."""

import json
from pathlib import Path

from typer.testing import CliRunner

from stationmaster.cli.main import app
from stationmaster.core.spec import Address, Control, PlatformSpec
from stationmaster.runtime.board import Cell
from stationmaster.runtime.tls import ServerTls, TlsFolder


async def test_the_file_of_the_authority_is_printed_or_what_stands_in_it(tmp_path: Path) -> None:
    control = Control(api_tls=Address(host="127.0.0.1", port=4582))
    folder = TlsFolder(tmp_path / "tls")
    await ServerTls(Cell(PlatformSpec(environment="lab", control=control)), folder).start()
    run = CliRunner().invoke
    assert run(app, ["tls", "ca", "--state", str(tmp_path)]).stdout == f"{folder.ca}\n"
    assert run(app, ["tls", "ca", "--pem", "--state", str(tmp_path)]).stdout == folder.ca.read_text()
    told = json.loads(run(app, ["tls", "ca", "--json", "--state", str(tmp_path)]).stdout)
    assert told == {"file": str(folder.ca), "certificate": folder.ca.read_text()}


def test_where_there_is_none_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["tls", "ca", "--state", str(tmp_path)])
    assert done.exit_code == 1
    assert "api_tls" in done.output
