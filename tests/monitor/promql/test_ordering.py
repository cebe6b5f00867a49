"""Long lists come into the order that `sorted` gives, and other threads have their turns meanwhile."""

import random
import threading
import time

from stationmaster.monitor.promql.ordering import in_order


def test_it_orders_as_sorted_does_and_keeps_equal_ones_as_they_came() -> None:
    drawn = random.Random(1)
    for count in (0, 1, 3_999, 4_000, 4_001, 20_000):
        items = [(drawn.randrange(50), at) for at in range(count)]
        assert in_order(items, key=lambda each: each[0]) == sorted(items, key=lambda each: each[0])
        assert in_order({each[0] for each in items}) == sorted({each[0] for each in items})


def test_another_thread_has_its_turns_meanwhile() -> None:
    drawn = random.Random(2)
    labels = [(("__name__", "m"), ("job", "shop"), ("n", str(drawn.random()))) for _ in range(150_000)]
    turns, over = 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    in_order(labels)
    over.set()
    thread.join()
    assert turns > 10
