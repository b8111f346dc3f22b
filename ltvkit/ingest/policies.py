"""Policies: the decisions about an export that change a number, checked by their types."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from numbers import Integral, Real
from typing import Any, get_type_hints

from ltvkit.core import files, people, redaction
from ltvkit.engines import limits
from ltvkit.errors import ParamsError, check_share, collecting, nearest, one_of
from ltvkit.ingest.order_numbers import RESTARTS
from ltvkit.ingest.overlap import CHOICES
from ltvkit.ingest.parse import date_formats, dates
from ltvkit.ingest.parse.ids import FOLDS
from ltvkit.ingest.schema import COLUMNS

# Orders and products may have names; customer ids are on no page.
_NAMED = ("customer_id", "order_id", "product_id", "product")
# The comment beside each policy in a params file.
POLICY_COMMENTS = files.read_yaml(__name__, "policies.yaml")
# The checks of the data: name -> default severity, and what a finding means.
CHECK_FACTS = files.read_yaml(__name__, "checks.yaml")
SEVERITIES = ("off", "warn", "stop")
# The declared type of a policy -> the types that fit, and how to write it.
_TYPES: dict[Any, tuple[Any, str]] = {
    str: (str, 'text, in quotes, as in "{}"'),
    bool: (bool, "true or false, without quotes"),
    int: (Integral, "a whole number, without quotes"),
    float: (Real, "a number, without quotes, as 0.05 for 5%"),
    tuple[str, ...]: (Collection, 'a list of texts, as in ["0", guest] or []'),
    Mapping[str, str]: (Mapping, "a mapping, as in {{gap_days: stop}} or {{}}"),
    Mapping[str, tuple[str, ...]]: (Mapping, "a mapping to lists, as in {{kind: [shipping]}}"),
}
# Policies that are one of several words.
_CHOICES = {
    "returns": ("net", "separate", "drop"),
    "refunds": ("", "by_row", "by_status", "by_column"),
    "returned_orders": ("keep", "drop"),
    "shipping": ("out", "in"),
    "tax": ("out", "in"),
    "gift_cards": ("used", "sold"),
    "zero_amounts": ("keep", "drop"),
    "same_day": ("separate", "one_order"),
    "decimal": ("", ".", ","),
    "fold_ids": FOLDS,
    "order_id_restarts": ("", *RESTARTS),
    "repeated_orders": CHOICES,
    "export_begins": ("", "opening", "later"),
}
MOST_TITLES = 1_000_000  # the last line that may name the columns
RESERVED = ("line", "reason", "born", "cohort", "age", "written_order_id")


@dataclass(frozen=True)
class Policies:
    """The decisions that change a number; each is printed with the report.

    How the export is written:

    - `encoding`: of a text file, as "cp932"; empty: detected (UTF-8, UTF-16, EUC-JP, CP932).
    - `delimiter`: between fields; empty: detected (comma, tab, semicolon or bar).
    - `header_line`: the line that names the columns, where titles stand above it.
    - `sheet`: of a workbook; empty: the first; "*": all of them, read as files of a folder are.
    - `join`: the file of orders, where `source` has their items only.
    - `join_on`: the header of the order number that both files have.
    - `table`: of a database; empty: the only one.
    - `date_format`: how dates are written, as in "%d/%m/%Y"; empty: year first, in the usual forms.
      Several with " | " between them are tried in order, as in "%d/%m/%Y | year first".
    - `decimal`: the decimal mark, "." or ","; empty: ".", where no amount could mean another.
    - `timezone`: whose day counts for times that carry a zone, as "Asia/Tokyo"; empty: that of
      Tokyo for a Japanese export, else the day as written.
    - `fill_down`: columns written only on the first line of an order, as in [customer_id].
    - `fold_ids`: whether customer ids that differ only in "width" (１ and 1), "case", "both",
      "number" (17, 17.0 and 00017) or any of these ("all") are one customer; "none": they are not.
    - `order_id_restarts`: where order numbers begin again, "year", "month", "day" or "customer":
      that and the number together are one order. Empty: a number is one order.
    - `repeated_orders`: of an order that stands in several files the rows of the "later_file"
      count; "later_line": also the last of lines that differ only in their status; "keep": all.
    - `rates`: a CSV file of date, currency, rate, where the orders are in several currencies.
    - `remote`: whether the source may be on another machine (a database, an address).
    - `memory_limit`: for reading, as "60%" of the machine's or "4GB".
    - `shown`: columns that hold people, and may be in tables, charts and lists nevertheless. Ids of
      customers are on no page: "customer_id" writes names and e-mails in lists as they are, and
      "quarantine" every raw column of the lines left out.

    What counts:

    - `returns`: lines below zero are "net" (they lower revenue), "separate" (kept beside, out of
      revenue) or "drop" (quarantined). Under "net", a return without an earlier purchase by that
      customer in the data is quarantined: it belongs to a sale that was not seen.
    - `cancelled_status`: values of `status` that mean a cancelled line; quarantined.
    - `cancelled_prefix`: beginning of the order ids that mean a cancellation; quarantined.
    - `exclude`: rows that are no sale, by the values of mapped columns, as in
      {kind: [shipping, points], test: ["true"]}; "*" is any value, "" is none; quarantined.
    - `discount_rows`: rows that are discounts of their order, as in {kind: [discount]}; each lowers
      the other lines of its order and counts no more by itself.
    - `return_rows`: rows that take money back and are written above zero, as in {kind: [refund]};
      their amounts count below zero, whatever their sign.
    - `refunds`: how the export shows a refund, so that it is taken off once: "by_row" (rows below
      zero), "by_status" (of a refunded order, which `cancelled_status` names) or "by_column" (the
      mapped refunds); what shows it besides is left out. Empty: all that is there is taken off.
    - `returned_orders`: a purchase that a later row of the same customer takes back whole is "keep"
      (an order that earned nothing) or "drop" (no order: both rows are quarantined).
    - `shipping`: "out" (mapped shipping is taken off the order) or "in".
    - `tax`: "out" (mapped tax is taken off the order) or "in".
    - `tax_rate`: of the tax that is in the amount or the order's total and in no column, as 0.1;
      taken off.
    - `gift_cards`: revenue counts where a gift card is "used" (mapped payments by gift card are
      added) or where it is "sold".
    - `zero_amounts`: lines of zero are "keep" (a purchase that earned nothing) or "drop".
    - `guest_ids`: customer ids that mean "nobody". Lines without a customer are always counted,
      shown and quarantined: nobody's lifetime value can be followed.
    - `same_day`: a customer's orders of one day are "separate" or "one_order". Where the export
      has no order_id, each line is an order ("separate") or each day is one ("one_order").
    - `export_begins`: with the shop's "opening", or "later", in the middle of its life, so that old
      customers look new at first (see `truncation`); empty: found out.
    - `data_until`: the last day that the export covers; later lines are quarantined. Empty: the
      last order's day.

    When to stop:

    - `max_quarantined`: the share of unusable lines, or of the money that is probably on them,
      above which no report is made.
    - `checks`: severity of single checks of the data, as in {gap_days: stop}: "off", "warn" or
      "stop" (see `gate`).

    Exact duplicates are kept and warned about, since two equal lines can be two sales.
    """

    encoding: str = ""
    delimiter: str = ""
    header_line: int = 1
    sheet: str = ""
    join: str = ""
    join_on: str = ""
    table: str = ""
    date_format: str = ""
    decimal: str = ""
    timezone: str = ""
    fill_down: tuple[str, ...] = ()
    fold_ids: str = "none"
    order_id_restarts: str = ""
    repeated_orders: str = "later_file"
    rates: str = ""
    remote: bool = False
    memory_limit: str = "60%"
    shown: tuple[str, ...] = ()
    returns: str = "net"
    cancelled_status: tuple[str, ...] = ()
    cancelled_prefix: str = ""
    exclude: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    discount_rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    return_rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refunds: str = ""
    returned_orders: str = "keep"
    shipping: str = "out"
    tax: str = "out"
    tax_rate: float = 0.0
    gift_cards: str = "used"
    zero_amounts: str = "keep"
    guest_ids: tuple[str, ...] = ()
    same_day: str = "separate"
    data_until: str = ""
    export_begins: str = ""
    max_quarantined: float = 0.01
    checks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _list_types():
            object.__setattr__(self, name, _check_value(name, getattr(self, name)))
        if self.returns == self.returned_orders == "drop":
            raise ParamsError(
                "policies: returned_orders: drop needs the returns that returns: drop leaves out: "
                "choose returns: net, or returned_orders: keep."
            )
        if bool(self.join) != bool(self.join_on):
            raise ParamsError(
                "policies: join and join_on go together: the file of orders, and the header of the "
                "order number that it and the source have."
            )


def _check_value(name: str, value: Any) -> Any:
    """A policy's value in its declared type; raises `ParamsError` for one that it cannot have."""
    value = _check_type(name, value, _list_types()[name])
    if name in _CHOICES:
        one_of(name, value, _CHOICES[name])
    if name in ("max_quarantined", "tax_rate"):
        check_share(name, value)
    if name == "header_line" and not 1 <= value <= MOST_TITLES:
        raise ParamsError(f"policies: header_line: {value}: give a line from 1 to {MOST_TITLES:,}.")
    if name == "timezone" and value:
        dates.check_timezone(value)
    if name == "date_format" and value:
        date_formats.check_format(value)
    if name == "memory_limit":
        limits.parse_memory(value)
    if name == "data_until" and value:
        return dates.normalize_day(value)
    return _check_severities(value) if name == "checks" else value


def _check_severities(checks: Mapping[str, Any]) -> dict[str, str]:
    # YAML reads a bare `off` as false.
    checks = {name: "off" if to is False else to for name, to in checks.items()}
    for name, severity in checks.items():
        one_of("policies: checks", name, CHECK_FACTS)
        one_of(f"policies: checks: {name}", severity, SEVERITIES)
    return checks


@cache
def _list_types() -> dict[str, Any]:
    """The declared types of the policies."""
    return get_type_hints(Policies)


def _check_type(name: str, value: Any, kind: Any) -> Any:
    """A policy's value, a list as a tuple of texts; raises `ParamsError` for another type."""
    if kind == Mapping[str, tuple[str, ...]] and isinstance(value, Mapping):
        return {n: _check_type(f"{name}: {n}", v, tuple[str, ...]) for n, v in value.items()}
    types, wanted = _TYPES[kind]
    fits = isinstance(value, types) and (kind is bool or not isinstance(value, bool))
    if fits and types is Collection:
        fits = not isinstance(value, str | bytes | Mapping) and all(
            isinstance(v, str | Integral) and not isinstance(v, bool) for v in value
        )
        value = tuple(map(str, value)) if fits else value
    if kind is str and not isinstance(value, int | float):
        wanted = wanted.partition(", as in")[0]  # quotes do not make a text of a list
    if value is None:
        raise ParamsError(
            f"policies: {name}: there is no value. Write {wanted.format()}, or leave the line out."
        )
    if not fits:
        raise ParamsError(f"policies: {name}: {value!r} must be {wanted.format(value)}.")
    return value


def check_options(*, columns: Mapping | None = None, policies: Mapping | None = None) -> Policies:
    """`policies` as `Policies`; raises one `ParamsError` with a line for each option that is wrong.

    An unknown name comes with the nearest known one.
    """
    for key, options in (("columns", columns), ("policies", policies)):
        if not isinstance(options, Mapping | None):
            raise ParamsError(f"{key}: {options!r} cannot be used; it must be a mapping.")
    problems: list[str] = []
    for name, raw in (columns or {}).items():
        with collecting(problems):
            _check_column(name, raw, columns or {})
    known = [f.name for f in fields(Policies)]
    for name, value in (policies or {}).items():
        with collecting(problems):
            if name not in known:
                raise ParamsError(
                    f"policies: '{name}' is not a policy.{nearest(name, known)} "
                    f"Known: {', '.join(known)}."
                )
            _check_value(name, value)
    if problems:
        raise ParamsError("\n".join(problems))
    rules = Policies(**dict(policies or {}))
    for name, raw in (columns or {}).items():
        if name not in (*_NAMED, *rules.shown):
            with collecting(problems):
                redaction.check_column(name, raw)
    with collecting(problems):
        _check_shown(rules.shown, columns or {})
    if problems:
        raise ParamsError("\n".join(problems))
    return rules


def _check_column(name: str, raw: Any, columns: Mapping[str, Any]) -> None:
    if not isinstance(raw, str):
        raise ParamsError(f"columns: {name}: {raw!r} must be the header's text, in quotes.")
    if name in RESERVED or str(name).startswith("_"):
        raise ParamsError(f"columns: '{name}' is a name of the kit's own; choose another.")
    if not str(name).isidentifier():
        raise ParamsError(f"columns: '{name}' must be letters, digits and _, as in gift_wrap.")
    alike = [n for n in (*COLUMNS, *columns) if n != name and n.lower() == name.lower()]
    if alike:
        raise ParamsError(f"columns: '{name}' and '{alike[0]}' differ in case only.")


def _check_shown(shown: Collection[str], columns: Mapping[str, str]) -> None:
    known = (*COLUMNS, *columns, people.WHOLE)
    for name in shown:
        if name not in known:
            raise ParamsError(
                f"policies: shown: '{name}' is no column.{nearest(name, known)} Map it under "
                "`columns:`, or leave it out here."
            )
