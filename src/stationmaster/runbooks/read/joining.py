"""Says which blocks belong together: code below a list, a list below the words that announce it, split lists."""

import re
from collections.abc import Sequence

from stationmaster.runbooks.read.gatherer import CODE
from stationmaster.runbooks.read.nodes import Node

LISTS = frozenset({"ordered_list", "bullet_list"})
BOLD = re.compile(r"^(\*\*|__)[^*\n]+(\*\*|__):?\s*$|^(\*\*|__)[^*\n]+:(\*\*|__)\s*$")


def with_loose_code(nodes: Sequence[Node]) -> list[Node]:
    """Code that follows an ordered list without being indented belongs to its last item."""
    found: list[Node] = []
    for node in nodes:
        above = found[-1] if found else None
        if node.type in CODE and above is not None and above.type == "ordered_list" and above.children:
            above.children[-1].children.append(node)
            if node.map and above.map and above.children[-1].map:
                above.children[-1].map = [above.children[-1].map[0], node.map[1]]
                above.map = [above.map[0], node.map[1]]
            continue
        found.append(node)
    return found


def restarts(above: Node, node: Node) -> bool:
    """Whether an ordered list that begins with 1 goes on with the one right above it ("1. 1. 1.")."""
    return above.type == node.type == "ordered_list" and int(node.attrs.get("start", 1)) <= 1


def last_number(node: Node) -> int:
    return int(node.attrs.get("start", 1)) + len(node.children) - 1


def taken_with(nodes: Sequence[Node], at: int) -> int:
    """Where the blocks end that belong to the paragraph at `at`: code, or a list that it announces."""
    end = at + 1
    if nodes[at].type != "paragraph" or not nodes[at].children:
        return end
    content = nodes[at].children[0].content.rstrip()
    announces = content.endswith((":", ":**", ":__")) or (len(content) < 80 and bool(BOLD.match(content)))
    if end < len(nodes) and nodes[end].type in LISTS and announces:
        return end + 1
    while end < len(nodes) and nodes[end].type in CODE:
        end += 1
    return end
