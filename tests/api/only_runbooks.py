"""A room of runbooks that has none, for what asks after runs."""

from stationmaster.runbooks.loop import Runbooks
from stationmaster.runtime.db import Database
from tests.runbooks.test_loop import room
from tests.runbooks.world import World


def no_runbooks(database: Database) -> Runbooks:
    return room(database, World(), [])
