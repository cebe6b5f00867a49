"""How an instance is said to a Docker engine."""

import re

import pytest

from stationmaster.core.spec import ExecutorKind, Supervision
from stationmaster.fleet.executors.container import Owner, container_config, container_name, moment, never_began
from stationmaster.fleet.inventory import Launch

OWNER = Owner(root="/var/lib/stm", environment="lab")
TITLES = ["UID", "PID", "PPID", "CMD"]


def launch(*argv: str, opens_secrets: bool = False) -> Launch:
    return Launch(
        name="api",
        argv=argv,
        supervision=Supervision.RESTART,
        executor=ExecutorKind.DOCKER,
        image="shop:1",
        env=(("COLOUR", "blue"),),
        mounts=("/a:/a:ro",),
        opens_secrets=opens_secrets,
    )


@pytest.mark.parametrize("name", ["key-us-south", "a1", "A.b_c-d"])
def test_a_good_name_is_the_containers_name(name: str) -> None:
    assert container_name(name) == name


def test_a_name_that_an_engine_refuses_becomes_one_of_its_own() -> None:
    odd = ["a", "b", "a~b", "a_b~", "ä", "-x", "..", "x y"]
    made = [container_name(each) for each in odd]
    assert len(set(made)) == len(odd)
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", each) for each in made)


def test_the_command_is_all_that_runs_and_the_engine_starts_nothing_again() -> None:
    config = container_config(launch("serve", "--port", "1"), OWNER, {"SECRET": "x"})
    assert (config["Entrypoint"], config["Cmd"]) == (["serve"], ["--port", "1"])
    assert config["Env"] == ["COLOUR=blue"]
    assert config["HostConfig"]["Binds"] == ["/a:/a:ro"]
    assert config["HostConfig"]["RestartPolicy"] == {"Name": "no"}


def test_our_own_program_finds_the_state_folder_and_the_secret_that_it_opens() -> None:
    config = container_config(launch("stationmaster", "keys", opens_secrets=True), OWNER, {"SECRET": "x"})
    assert config["Env"] == ["COLOUR=blue", "SECRET=x", "STATIONMASTER_STATE=/var/lib/stm"]
    assert config["HostConfig"]["Binds"] == ["/a:/a:ro", "/var/lib/stm:/var/lib/stm"]


@pytest.mark.parametrize(
    ("rows", "waits"),
    [
        ([["0", "7", "1", "/sbin/docker-init -- serve"]], True),
        ([["0", "7", "1", "/sbin/docker-init -- serve"], ["0", "8", "7", "/sbin/docker-init -- serve"]], True),
        ([["0", "7", "1", "/sbin/docker-init -- serve"], ["0", "8", "7", "serve --port 1"]], False),
        (None, True),
    ],
    ids=["init alone", "init and its copy", "the program", "nothing yet"],
)
def test_a_container_has_begun_when_its_init_has_become_the_program(rows: list[list[str]] | None, waits: bool) -> None:
    assert never_began({"Titles": TITLES, "Processes": rows}, 7) is waits


def test_where_nobody_can_look_it_counts_as_begun() -> None:
    assert never_began({}, 7) is False


@pytest.mark.parametrize("text", ["2026-11-21T16:44:21.841667171Z", "2026-11-21T16:44:21.841667Z"])
def test_the_engines_nanoseconds_are_read(text: str) -> None:
    assert moment(text).isoformat() == "2026-11-21T16:44:21.841667+00:00"
    assert moment("2026-11-21T16:44:21Z").isoformat() == "2026-11-21T16:44:21+00:00"
