"""What incidents share, and what their alerts follow from, stands in the answers of the REST API."""

from stationmaster.incidents.correlating import Correlating
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only_incidents import client_of
from tests.incidents.grouping import Ground, alert, down


async def test_an_incident_names_others_of_the_same_failure_and_what_its_alerts_follow_from(database: Database) -> None:
    ground = Ground(database)
    await ground.fires(down("store", "eu"), down("orders", "us"), alert("UpstreamErrors", api="shop"))
    await Correlating(database, Cell(ground.spec)).look(ground.now)
    async with client_of(ground.incidents) as http:
        story = (await http.get("/api/v1/incidents/2")).json()
    assert [(each["cause"], each["numbers"]) for each in story["related"]] == [("service store", [1])]
    shown = {each["labels"]["alertname"]: (each["worked"], each["inhibited_by"]) for each in story["alerts"]}
    assert shown == {"ServiceInstanceDown": (True, ""), "UpstreamErrors": (False, down("orders", "us").fingerprint)}
