"""Which container or unit a command line is about is read from its words."""

import pytest

from stationmaster.runbooks.lacking.units import UnitCall, UnitVerb, unit_call

# command, what it does, with how many lines of a log, and what follows in the pipeline
ABOUT_X = [
    ("docker restart x", UnitVerb.RESTART, 0, ""),
    ("sudo docker restart -t 30 x", UnitVerb.RESTART, 0, ""),
    ("docker container restart x", UnitVerb.RESTART, 0, ""),
    ("docker-compose restart x", UnitVerb.RESTART, 0, ""),
    ("podman stop x", UnitVerb.STOP, 0, ""),
    ("docker start x", UnitVerb.START, 0, ""),
    ("docker logs x -f", UnitVerb.LOGS, 0, ""),
    ("docker logs --tail 100 -f x", UnitVerb.LOGS, 100, ""),
    ("docker logs -n5 x", UnitVerb.LOGS, 5, ""),
    ("docker compose -f a.yml logs --tail=50 x", UnitVerb.LOGS, 50, ""),
    ("docker logs x | tail -20", UnitVerb.LOGS, 0, "| tail -20"),
    ("docker logs x 2>&1 | grep -i error", UnitVerb.LOGS, 0, "| grep -i error"),
    ("docker inspect --format '{{.State.Status}}' x", UnitVerb.STATUS, 0, ""),
    ("docker stats --no-stream x", UnitVerb.USAGE, 0, ""),
    ("docker top x -ef", UnitVerb.USAGE, 0, ""),
    ("docker exec -it -u root x cat /etc/hosts", UnitVerb.INSIDE, 0, ""),
    ("systemctl restart x.service", UnitVerb.RESTART, 0, ""),
    ("sudo systemctl status x --full --no-pager", UnitVerb.STATUS, 0, ""),
    ("journalctl -xeu x", UnitVerb.LOGS, 0, ""),
    ("journalctl -u x -n 50 --no-pager", UnitVerb.LOGS, 50, ""),
    ("journalctl --unit=x.service --since yesterday | grep ERROR", UnitVerb.LOGS, 0, "| grep ERROR"),
    ("service x restart", UnitVerb.RESTART, 0, ""),
    ("supervisorctl status x", UnitVerb.STATUS, 0, ""),
]


@pytest.mark.parametrize(("text", "verb", "lines", "rest"), ABOUT_X)
def test_a_plain_call_names_its_unit(text: str, verb: UnitVerb, lines: int, rest: str) -> None:
    container = text.split(maxsplit=1)[0] in {"docker", "docker-compose", "podman"} or "sudo docker" in text
    assert unit_call(text) == UnitCall(verb=verb, name="x", container=container, lines=lines, rest=rest)


@pytest.mark.parametrize(
    "text",
    [
        "docker ps",
        "docker logs",
        "docker stop x y",
        "docker logs x && rm y",
        "docker logs x | tee z; rm w",
        "docker restart x | tail",
        "docker -H tcp://h:1 logs x",
        "docker --context prod restart x",
        "systemctl -H other restart x",
        "systemctl enable x",
        "A=b docker restart x",
        "journalctl -f",
        "service x",
        "echo docker restart x",
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert unit_call(text) is None
