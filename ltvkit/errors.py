"""What can go wrong, by kind. Every message says what, which, and how to fix it."""

import difflib
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

__all__ = [
    "Alike", "ClusterError", "ColumnError", "DataError", "DeliveryError", "LtvkitError",
    "LtvkitWarning", "NoOptimum", "NotRecorded", "NotRegular", "NothingKept", "NothingYet",
    "ParamsError", "ProjectError", "ReportError", "TooLittleData", "Undefined",
]  # fmt: skip

__dir__ = __all__.copy

MOST_PROBLEMS = 20  # that one message lists


class LtvkitError(ValueError):
    """Any error the kit raises on purpose; its text is meant for the user."""


class ParamsError(LtvkitError):
    """A parameter is unknown, of the wrong type, or has a value that cannot be used."""


class ProjectError(LtvkitError):
    """The folder is no project, or one cannot be made there."""


class ColumnError(LtvkitError):
    """A column that a step needs is not in the frame."""


class DataError(LtvkitError):
    """The data cannot be read, or cannot carry the question asked of it."""


class TooLittleData(DataError):
    """There is too little of the data for this method: a report says so, and goes on without."""


class Undefined(TooLittleData):
    """There is no such figure for these orders, however many they are."""


class NoOptimum(TooLittleData):
    """The data do not determine a model's parameters: its likelihood has no maximum."""


class NotRegular(Undefined):
    """These customers do not pay in a regular rhythm, so there are no renewals to forecast."""


class Alike(TooLittleData):
    """Customers show no difference: all leave with the same chance, lost / at risk."""


class NothingKept(Undefined):
    """Customers sent back as much as they bought."""


class NothingYet(TooLittleData):
    """There is nothing for this page yet; the message says how to begin."""


class NotRecorded(Undefined):
    """The shop's params name no such input; the message says what to record, and where."""


class ClusterError(LtvkitError):
    """The Spark cluster cannot be reached, or cannot do what is asked of it."""


class ReportError(LtvkitError):
    """A report could not be built or published."""


class DeliveryError(LtvkitError):
    """A report could not be sent by mail."""


class LtvkitWarning(UserWarning):
    """The kit took something for granted; the text says what, and what to do if that is wrong."""


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint naming the valid name closest to `name`; empty when none is close.

    >>> nearest("retruns", ["returns", "duplicates"])
    " Did you mean 'returns'?"
    >>> nearest("xyz", ["returns"])
    ''
    """
    close = difflib.get_close_matches(str(name), [str(n) for n in names], n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


def raise_all(where: object, problems: Sequence[str]) -> None:
    """Raise one `ParamsError` for all `problems` of a file, each of which may begin with its line.

    >>> raise_all("a.yaml", ["line 2: it is wrong."])
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: a.yaml, line 2: it is wrong.
    """
    problems = list(dict.fromkeys(problems))
    if problems[MOST_PROBLEMS:]:
        more = f"And {len(problems) - MOST_PROBLEMS:,} more."
        problems = [*problems[:MOST_PROBLEMS], more]
    if problems[1:]:
        raise ParamsError("\n  ".join([f"{where}: mend these:", *problems]))
    if problems:
        raise ParamsError(f"{where}{',' if problems[0].startswith('line ') else ':'} {problems[0]}")


@contextmanager
def collecting(problems: list[str], where: str = "") -> Iterator[None]:
    """Add what the block raises as `ParamsError` to `problems`: each line of it is one."""
    try:
        yield
    except ParamsError as error:
        problems += [where + text for text in str(error).split("\n")]


def is_number(value: object, low: float | None = None, high: float | None = None) -> bool:
    """Whether `value` is a finite number (and no switch), from `low` to `high` where given.

    >>> [is_number(x, 0, 1) for x in (0, 0.5, 1.5, True, "1", float("nan"))]
    [True, True, False, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return (low is None or low <= value) and (high is None or value <= high)


def check_share(name: str, value: float | None) -> None:
    """Raise `ParamsError` unless `value` is a share from 0 to 1, or None.

    >>> check_share("margin_rate", 35)
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: margin_rate=35: give a share from 0 to 1, as 0.35 for 35%.
    """
    if value is not None and not is_number(value, 0, 1):
        raise ParamsError(f"{name}={value}: give a share from 0 to 1, as 0.35 for 35%.")


def check_grouping(name: str, column: str, taken: Iterable[str]) -> None:
    """Raise `ParamsError` where the result would have `column` twice: it is one of `taken`, too.

    >>> check_grouping("by", "class", ["rank", "class"])
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: by='class': the result has a column of its own called 'class'. Give
    yours another name in `columns`, such as 'class_of_shop'.
    """
    if column.casefold() in taken:
        raise ParamsError(
            f"{name}={column!r}: the result has a column of its own called {column.casefold()!r}. "
            f"Give yours another name in `columns`, such as '{column}_of_shop'."
        )


def one_of(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise `ParamsError` unless `value` is among `choices`.

    >>> one_of("returns", "nett", ["net", "drop"])
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: returns='nett' is not one of 'net', 'drop'. Did you mean 'net'?
    """
    choices = list(choices)
    if value not in choices:
        listed = ", ".join(repr(c) for c in choices)
        hint = nearest(str(value), [str(c) for c in choices])
        raise ParamsError(f"{name}={value!r} is not one of {listed}.{hint}")
