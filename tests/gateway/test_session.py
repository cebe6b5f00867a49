"""What a node is sent, in which order, and what follows from its answers."""

from collections.abc import Iterable, Mapping

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stationmaster.core.problem import NOWHERE
from stationmaster.gateway.session import Asked, Sent, Session
from stationmaster.gateway.snapshot import Kind, Resource, Snapshot, resource, snapshot

POOLS, ENDPOINTS, FILTERS, ENTRANCE = Kind.POOL, Kind.ENDPOINTS, Kind.FILTER, Kind.ENTRANCE
SECTIONS, ROUTES = Kind.SECTION, Kind.ROUTES


def made(kind: Kind, name: str, body: str = "1") -> Resource:
    return resource(kind, name, body.encode(), NOWHERE)


def world(
    pools: Mapping[str, str], routes: str = "1", filters: Iterable[str] = ("jwt",), more: Iterable[str] = ()
) -> Snapshot:
    """`more` are sections beside the one whose routes are `routes`."""
    return snapshot(
        [
            *(made(POOLS, name, body) for name, body in pools.items()),
            *(made(ENDPOINTS, name) for name in pools),
            *(made(FILTERS, name) for name in filters),
            made(ENTRANCE, "entrance"),
            made(SECTIONS, "routes"),
            made(ROUTES, "routes", routes),
            *(made(kind, name) for name in more for kind in (SECTIONS, ROUTES)),
        ]
    )


class Node:
    """Answers a session as Envoy does: takes what it gets, and asks for what that names."""

    def __init__(self, session: Session, refuses: Iterable[tuple[Kind, str]] = ()) -> None:
        self.session = session
        self.refuses = set(refuses)
        self.log: list[tuple[str, ...]] = []

    def connect(self, has: Mapping[Kind, Mapping[str, str]] | None = None) -> None:
        for kind in (POOLS, ENTRANCE, *((SECTIONS,) if has else ())):
            self.session.hear(Asked(kind=kind, has=(has or {}).get(kind, {})))
        for kind in (ENDPOINTS, FILTERS, ROUTES):
            if has and kind in has:
                self.session.hear(Asked(kind=kind, wants=tuple(has[kind]), has=has[kind]))

    def talk(self) -> None:
        """Takes and answers until there is nothing more to say."""
        for _ in range(100):
            sent = self.session.due()
            if not sent:
                return
            for message in sent:
                self.answer(message)
        raise AssertionError("the session never comes to rest")

    def answer(self, sent: Sent) -> None:
        names = tuple(each.name for each in sent.resources)
        bad = [name for name in names if (sent.kind, name) in self.refuses]
        self.log.append((sent.kind.name, *(f"+{name}" for name in names), *(f"-{name}" for name in sent.removed)))
        refused = f"bad: {bad}" if bad else None
        if not bad and sent.kind is POOLS and (new := set(names) - self.session.channels[ENDPOINTS].names):
            self.session.hear(Asked(kind=ENDPOINTS, wants=tuple(sorted(new))))
        if not bad and names == ("entrance",) and not self.session.channels[SECTIONS].wildcard:
            self.session.hear(Asked(kind=SECTIONS))
            self.session.hear(Asked(kind=FILTERS, wants=("jwt",)))
        if not bad and sent.kind is SECTIONS:
            if new := set(names) - self.session.channels[ROUTES].names:
                self.session.hear(Asked(kind=ROUTES, wants=tuple(sorted(new))))
            if sent.removed:
                self.session.hear(Asked(kind=ROUTES, drops=sent.removed))
        self.session.hear(Asked(kind=sent.kind, nonce=sent.nonce, refused=refused))


def connected(shown: Snapshot, refuses: Iterable[tuple[Kind, str]] = ()) -> Node:
    session = Session()
    session.show(shown, 1)
    node = Node(session, refuses)
    node.connect()
    node.talk()
    return node


def test_a_new_node_gets_pools_then_endpoints_then_filters_and_routes_last() -> None:
    node = connected(world({"a": "1", "b": "1"}))
    assert node.log == [
        ("POOL", "+a", "+b"),
        ("ENDPOINTS", "+a", "+b"),
        ("ENTRANCE", "+entrance"),
        ("FILTER", "+jwt"),
        ("SECTION", "+routes"),
        ("ROUTES", "+routes"),
    ]
    assert node.session.settled()


def test_a_changed_pool_brings_its_endpoints_along() -> None:
    node = connected(world({"a": "1", "b": "1"}))
    node.log.clear()
    node.session.show(world({"a": "2", "b": "1"}), 2)
    assert not node.session.settled()
    node.talk()
    assert node.log == [("POOL", "+a"), ("ENDPOINTS", "+a")]
    assert node.session.settled()


def test_routes_leave_before_the_pool_that_they_led_to() -> None:
    node = connected(world({"a": "1", "b": "1"}))
    node.log.clear()
    node.session.show(world({"a": "1"}, routes="2"), 2)
    node.talk()
    assert node.log[:2] == [("ROUTES", "+routes"), ("POOL", "-b")]
    assert node.session.settled()


def test_a_new_section_comes_before_its_routes_and_an_old_one_leaves_before_the_pool() -> None:
    node = connected(world({"a": "1"}))
    node.log.clear()
    node.session.show(world({"a": "1", "b": "1"}, more=("new",)), 2)
    node.talk()
    assert node.log == [("POOL", "+b"), ("ENDPOINTS", "+b"), ("SECTION", "+new"), ("ROUTES", "+new")]
    assert node.session.settled()
    node.log.clear()
    node.session.show(world({"a": "1"}), 3)
    node.talk()
    assert node.log[:2] == [("SECTION", "-new"), ("POOL", "-b")]
    assert node.session.settled()


def test_a_change_of_one_section_sends_its_routes_alone() -> None:
    sections = [f"s{number}" for number in range(50)]
    node = connected(world({"a": "1"}, more=sections))
    node.log.clear()
    node.session.show(world({"a": "1"}, routes="2", more=sections), 2)
    node.talk()
    assert node.log == [("ROUTES", "+routes")]


NAMES = st.sampled_from("abc")
BODIES = st.dictionaries(NAMES, st.sampled_from("12"))


class Story(RuleBasedStateMachine):
    """A channel at any moment: what it takes for lacking is what the node really lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.session.hear(Asked(kind=POOLS))
        self.revision = 0

    @rule(bodies=BODIES)
    def publish(self, bodies: dict[str, str]) -> None:
        self.revision += 1
        self.session.show(snapshot(made(POOLS, name, body) for name, body in bodies.items()), self.revision)

    @rule(names=st.lists(NAMES, min_size=1, unique=True))
    def forget(self, names: list[str]) -> None:
        self.session.hear(Asked(kind=POOLS, drops=tuple(names)))

    @rule(has=BODIES)
    def remember(self, has: dict[str, str]) -> None:
        versions = {name: made(POOLS, name, body).version for name, body in has.items()}
        self.session.hear(Asked(kind=POOLS, wants=tuple(versions), has=versions))

    @rule(refuse=st.booleans())
    def talk(self, refuse: bool) -> None:
        for sent in self.session.due():
            self.session.hear(Asked(kind=sent.kind, nonce=sent.nonce, refused="no" if refuse else None))

    @invariant()
    def what_is_lacking_is_lacking(self) -> None:
        channel = self.session.channels[POOLS]
        wanted = {name: each.version for name, each in channel.wanted.items()}
        names = wanted.keys() | channel.known.keys()
        assert channel.lacking == {name for name in names if wanted.get(name) != channel.known.get(name)}

    def teardown(self) -> None:
        """Whatever happened, a node that takes everything has everything in the end."""
        self.session.channels[POOLS].refused.clear()
        for _ in range(50):
            self.talk(refuse=False)
        assert self.session.settled()


TestStory = Story.TestCase


def test_routes_wait_until_their_new_pool_is_taken() -> None:
    node = connected(world({"a": "1"}))
    node.session.show(world({"a": "1", "b": "1"}, routes="2"), 2)
    first = node.session.due()
    assert [message.kind for message in first] == [POOLS]
    assert node.session.due() == ()
    node.answer(first[0])
    assert [message.kind for message in node.session.due()] == [ENDPOINTS]


def test_nothing_is_sent_again_to_a_node_that_comes_back_with_everything() -> None:
    shown = world({"a": "1", "b": "1"})
    session = Session()
    session.show(shown, 5)
    node = Node(session)
    node.connect({kind: {name: each.version for name, each in shown.of(kind).items()} for kind in Kind})
    assert session.due() == ()
    assert session.settled()


def test_a_node_that_comes_back_gets_what_changed_and_loses_what_is_gone() -> None:
    before, now = world({"a": "1", "b": "1"}), world({"a": "2", "c": "1"})
    session = Session()
    session.show(now, 6)
    node = Node(session)
    node.connect({kind: {name: each.version for name, each in before.of(kind).items()} for kind in Kind})
    node.talk()
    assert ("POOL", "+a", "+c") in node.log
    assert ("POOL", "-b") in node.log
    assert session.settled()


def test_a_node_with_nothing_to_get_is_told_so() -> None:
    session = Session()
    session.show(snapshot(()), 1)
    node = Node(session)
    node.connect()
    node.talk()
    assert node.log == [("POOL",), ("ENTRANCE",)]


def test_a_name_that_does_not_exist_is_answered() -> None:
    node = connected(world({"a": "1"}))
    node.log.clear()
    node.session.hear(Asked(kind=ENDPOINTS, wants=("ghost",)))
    node.talk()
    assert node.log == [("ENDPOINTS", "-ghost")]
    assert node.session.settled()


def test_the_one_bad_resource_of_many_is_found_and_the_others_get_through() -> None:
    names = [f"pool-{number}" for number in range(16)]
    node = connected(world(dict.fromkeys(names, "1")), refuses={(POOLS, "pool-11")})
    assert [(each.resource.name, each.reason) for each in node.session.refusals()] == [("pool-11", "bad: ['pool-11']")]
    assert set(node.session.channels[POOLS].known) == set(names) - {"pool-11"}
    assert node.session.settled()
    assert sum(entry[0] == "POOL" for entry in node.log) <= 10


def test_a_refused_resource_is_not_sent_again_until_it_changes() -> None:
    node = connected(world({"a": "1"}, routes="1"), refuses={(ROUTES, "routes")})
    assert len(node.session.refusals()) == 1
    node.log.clear()
    node.session.show(world({"a": "1"}, routes="1"), 2)
    node.talk()
    assert node.log == []
    node.refuses.clear()
    node.session.show(world({"a": "1"}, routes="2"), 3)
    node.talk()
    assert node.log == [("ROUTES", "+routes")]
    assert node.session.refusals() == ()
    assert node.session.settled()


def test_a_node_keeps_the_version_before_the_one_that_it_refused() -> None:
    node = connected(world({"a": "1"}))
    good = node.session.channels[ROUTES].known["routes"]
    node.refuses.add((ROUTES, "routes"))
    node.session.show(world({"a": "1"}, routes="bad"), 2)
    node.talk()
    assert node.session.channels[ROUTES].known["routes"] == good
    node.log.clear()
    node.session.show(world({"a": "1"}), 3)
    node.talk()
    assert node.log == [], "the node never left the old version, so going back to it takes nothing"
    assert node.session.settled()
    assert node.session.refusals() == ()


def test_an_answer_to_another_message_settles_nothing() -> None:
    session = Session()
    session.show(world({"a": "1"}), 1)
    Node(session).connect()
    session.due()
    session.hear(Asked(kind=POOLS, nonce="of-an-older-stream"))
    assert session.channels[POOLS].underway
    assert not session.settled()
