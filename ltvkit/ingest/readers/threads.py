"""Work on the pieces of a file in threads, a few of them at a time."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2  # pieces for each thread that are worked on before they are asked for

Piece = TypeVar("Piece")
Made = TypeVar("Made")


def map_ahead(
    make: Callable[[Piece], Made], pieces: Iterable[Piece], *, threads: int
) -> Iterator[Made]:
    """What `make` gives of each piece, in their order.

    >>> list(map_ahead(str.upper, "abc", threads=2))
    ['A', 'B', 'C']
    """
    with ThreadPoolExecutor(threads) as pool:
        begun = (pool.submit(make, piece) for piece in pieces)
        waiting = deque(itertools.islice(begun, threads * AHEAD))
        while waiting:
            made = waiting.popleft().result()
            waiting.extend(itertools.islice(begun, 1))
            yield made
