"""Who is scraped, by what is declared."""

from pathlib import Path

from stationmaster.core.address import Address
from stationmaster.core.monitoring import Monitoring, ScrapeJob
from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import Instance, PlatformSpec, Service
from stationmaster.monitor.scrape.target import targets_of

ONE, TWO = Address(host="127.0.0.1", port=9100), Address(host="127.0.0.1", port=9101)


def test_every_address_of_a_job_is_a_target_with_the_terms_of_the_job() -> None:
    job = ScrapeJob(
        name="node",
        targets=(ONE, TWO),
        labels=(("team", "a"),),
        path="/m",
        scheme="https",
        interval_ms=5000,
        honor_labels=True,
        sample_limit=7,
        body_limit_bytes=9,
        token_file=Path("token"),
    )
    spec = PlatformSpec(environment="prod", monitoring=Monitoring(scrape=(job,)))
    first, second = targets_of(spec)
    assert (first.job, first.instance, first.url) == ("node", "127.0.0.1:9100", "https://127.0.0.1:9100/m")
    assert first.labels == (("environment", "prod"), ("team", "a"))
    assert (first.interval_ms, first.timeout_ms, first.honor_labels) == (5000, 5000, True)
    assert (first.sample_limit, first.body_limit_bytes, first.token_file) == (7, 9, Path("token"))
    assert first.stream != second.stream


def test_every_instance_of_a_service_that_tells_metrics_is_a_target() -> None:
    def instance(name: str, address: Address) -> Instance:
        return Instance(name=InstanceName(name), service=ServiceName("shop"), region="eu", address=address)

    services = (
        Service(
            name=ServiceName("shop"), port=80, metrics="/metrics", instances=(instance("a", ONE), instance("b", TWO))
        ),
        Service(name=ServiceName("quiet"), port=80, instances=(instance("c", ONE),)),
    )
    targets = targets_of(PlatformSpec(environment="prod", services=services))
    assert [(each.job, each.instance, each.address) for each in targets] == [("shop", "a", ONE), ("shop", "b", TWO)]
    assert targets[0].labels == (("environment", "prod"), ("region", "eu"), ("service", "shop"))
    assert (targets[0].interval_ms, targets[0].timeout_ms) == (15_000, 10_000)
