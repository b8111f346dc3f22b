"""SIGINT and SIGTERM as an exception of the main thread, delayed while a report is published."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ltvkit.core.i18n import _

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The run was interrupted by a signal; `status` is the exit status for it (130 or 143)."""

    def __init__(self, number: int) -> None:
        super().__init__(_("interrupted by {signal}").format(signal=signal.Signals(number).name))
        self.status = 128 + number


class Signals:
    """The signal handlers' state: whether to wait, and which signal came meanwhile."""

    def __init__(self) -> None:
        self._held, self._pending = 0, 0

    @contextmanager
    def raised(self) -> Iterator[None]:
        """A signal raises `Interrupted` in this block; then the earlier handlers are restored."""
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A signal waits for the end of this block."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._pending and not self._held:
            raise Interrupted(self._pending)

    def _handle(self, number: int, _frame: object) -> None:
        if self._held:
            self._pending = number
            return
        raise Interrupted(number)
