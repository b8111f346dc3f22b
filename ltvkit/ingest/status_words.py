"""Words of statuses and flags in order exports: which rows are no sale.

status_words.yaml has them.
"""

import re
from collections.abc import Iterable

from ltvkit.core import files
from ltvkit.core.personal_data import header_key
from ltvkit.ingest.schema import ANY

WORDS = {
    name: re.compile("|".join(patterns))
    for name, patterns in files.read_yaml(__name__, "status_words.yaml").items()
}
_HEADERS = (
    *("flag_headers", "test_headers", "cancel_date_headers", "status_headers", "kind_headers"),
)
MOST_VALUES = 20  # a column of more different values is no status


def is_cancelled(value: str) -> bool:
    """Whether a status says that nothing was sold.

    >>> [is_cancelled(v) for v in ("Refunded", "partially_refunded", "キャンセル済", "paid")]
    [True, False, True, False]
    """
    said = header_key(value)
    return bool(WORDS["cancelled"].search(said)) and not WORDS["partly"].search(said)


def are_statuses(written: Iterable[str]) -> bool:
    """Whether all values are words of statuses, one at least of them for a cancelled order.

    >>> are_statuses(["Paid", "Failed"]), are_statuses(["Paid"]), are_statuses(["Mug", "Void"])
    (True, False, False)
    """
    keys = [header_key(v) for v in written]
    known = all(WORDS["settled"].search(k) or WORDS["cancelled"].search(k) for k in keys)
    return known and any(map(is_cancelled, keys)) and not all(map(is_cancelled, keys))


def find_returns(written: Iterable[str]) -> list[str]:
    """The values that mean a return, of a column that tells sales from returns row by row.

    >>> find_returns(["Sale", "Refund"]), find_returns(["Paid", "Refunded"])
    (['Refund'], [])
    """
    keys = {v: header_key(v) for v in written}
    sales = any(WORDS["sale_kinds"].search(k) for k in keys.values())
    return [v for v, k in keys.items() if sales and WORDS["return_kinds"].search(k)]


def is_cancel_date(header: str) -> bool:
    """Whether a header is that of the time at which an order was cancelled."""
    return bool(WORDS["cancel_date_headers"].search(header_key(header)))


def may_be_status(header: str) -> bool:
    """Whether a header is that of a flag, a status or a kind of rows."""
    key = header_key(header)
    return any(WORDS[kind].search(key) for kind in _HEADERS)


def is_flag(header: str) -> bool:
    """Whether a header is that of a flag for cancelled, deleted or test orders."""
    key = header_key(header)
    return any(WORDS[kind].search(key) for kind in ("flag_headers", "test_headers"))


def find_no_sale(header: str, written: Iterable[str]) -> list[str]:
    """The values of a column that mean no sale, where its header is that of a status or a flag.

    >>> find_no_sale("is_test", ["false", "true"]), find_no_sale("State", ["new", "failed"])
    (['true'], ['failed'])
    >>> find_no_sale("Cancelled At", ["2024-05-02"]), find_no_sale("Payment by", ["paid", "failed"])
    (['*'], ['failed'])
    """
    written = list(written)
    if is_cancel_date(header):
        return [ANY] if written else []
    if is_flag(header):
        return [v for v in written if WORDS["true"].fullmatch(header_key(v))]
    if WORDS["status_headers"].search(header_key(header)) or are_statuses(written):
        return [v for v in written if is_cancelled(v)]
    return []
