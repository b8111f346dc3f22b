"""Build the amount of each line from what an export gives: price, discounts, refunds, totals.

amount_parts.yaml says what can be mapped beside a line's amount, and how it enters. Parts of a
whole order count once for it, and are spread over its lines in proportion to their own amounts, to
the smallest unit of money, so that an order's lines add up to what was paid for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.engines.sql import literal, quoted
from ltvkit.ingest import order_numbers
from ltvkit.ingest.schema import ANY, FAULT, LINE, NONE

if TYPE_CHECKING:
    from ltvkit.ingest.policies import Policies

# Part of an amount -> its level, its effect, the policies that leave it out.
PARTS: dict[str, dict[str, Any]] = files.read_yaml(__name__, "amount_parts.yaml")
REFUNDS = ("line_refund", "refunded_quantity", "order_refund")
REFUNDED = "_refunded"  # a working column: the line was refunded in full
_TOTALS = ("total_before_refunds", "total_after_refunds")
_BASES = ("order_total", *_TOTALS, *REFUNDS)  # not added to the base
_CENT = 0.005  # less than this is nothing


def choose_parts(mapped: Collection[str], rules: Policies, *, level: str) -> list[str]:
    """The mapped parts of a level ("line" or "order") that count under these policies."""

    own = (p for p in PARTS if p in mapped and PARTS[p]["level"] == level)
    return [p for p in own if not is_left(p, rules)]


def is_left(part: str, rules: Policies) -> bool:
    """Whether a policy leaves a part as it is, so that it does not change the amount."""
    kept_by = PARTS[part].get("kept_by", {})
    return any(getattr(rules, policy) in values for policy, values in kept_by.items())


def spreads(mapped: Collection[str], rules: Policies) -> bool:
    """Whether something of a whole order is spread over its lines."""
    parts = choose_parts(mapped, rules, level="order")
    return bool(parts or rules.discount_rows or rules.tax_rate)


def build_line_amount(written: Mapping[str, str], rules: Policies) -> str:
    """SQL for the amount of a line by its own parts; `written` has the SQL of what is mapped.

    Where only the order's total is known, each line weighs the same.
    """
    parts = choose_parts(written, rules, level="line")
    if "amount" in written:
        amount = written["amount"]
    elif {"quantity", "unit_price"} <= set(written):
        quantity = written["quantity"]
        if "refunded_quantity" in parts:
            quantity = f"({quantity}) - coalesce(abs({written['refunded_quantity']}), 0)"
        price = written["unit_price"]
        # Some exports write both below zero for a return.
        below = f"least({quantity}, {price}) < 0"
        product = f"abs(({quantity}) * ({price})) * case when {below} then -1 else 1 end"
        amount = f"case when isfinite({product}) then {product} end"
    else:
        return "1.0::double"
    taken = "".join(
        f" + coalesce({written[p]}, 0)"
        if PARTS[p]["effect"] == "signed"
        else f" - coalesce(abs({written[p]}), 0)"
        for p in parts
        if p != "refunded_quantity"
    )
    return f"({amount}){taken}" if taken else amount


def negate_returns(written: Mapping[str, str], amount: str, rules: Policies) -> str:
    """SQL for a line's amount, below zero on rows that take money back, whatever their sign."""
    back = "".join(_is_one_of(written[n], values) for n, values in rules.return_rows.items())
    return f"case when false{back} then -abs({amount}) else {amount} end" if back else amount


def find_refunded_line(written: Mapping[str, str], amount: str, rules: Policies) -> str:
    """SQL for whether a line's own refund leaves nothing of it; "" where lines have no refunds."""
    parts = [p for p in choose_parts(written, rules, level="line") if p in REFUNDS]
    given = " or ".join(f"coalesce({written[p]}, 0) != 0" for p in parts)
    return f"(({given}) and ({amount}) < {_CENT})" if parts else ""


def spread_orders(
    sql: str, columns: Collection[str], mapped: Collection[str], rules: Policies
) -> str:
    """SQL for typed lines and its columns -> SQL for each line's share of what its order paid.

    Adds `REFUNDED`; leaves out the columns of the parts. Rows that `exclude` names keep their own
    amount, and have no share; discounts that are rows are spread as well, and become zero.
    """
    parts = choose_parts(mapped, rules, level="order")
    unread = "" if "order_total" in parts else " or amount is null"
    off = f"({FAULT} is not null{unread}{_either(rules.exclude)})"
    discount = f"(false{_either(rules.discount_rows)})"
    order = order_numbers.write_order(rules.order_id_restarts)
    orders = f"partition by coalesce({order}, 'line ' || {LINE})"
    over = f"over ({orders})"
    net, refund = _net_of_order(parts, rules, discount, over), _refund_of_order(parts, over)
    weighed = f"""select *, not ({off} or {discount}) _counts,
        case when _counts then coalesce(amount, 0) else 0 end _weight from ({sql})"""
    summed = f"""select *, {net} _net, coalesce(0{refund}, 0) < 0 _refund,
        sum(_weight) {over} _whole, count(*) filter (_counts) {over} _lines from ({weighed})"""
    nothing = f"abs(_whole) < {_CENT}"  # to share by, as of lines that cancel out
    settled = f"""select * replace (
        case when _refund and _net < {_CENT} then 0 else _net end as _net,
        case when {nothing} then _counts::int else _weight end as _weight,
        case when {nothing} then _lines else _whole end as _whole
        ), _refund and _net < {_CENT} _all_back from ({summed})"""
    upto = f"sum(_weight) over ({orders} order by {LINE} rows unbounded preceding)"
    # To the smallest unit that the order's amounts are written in: yen, cents, or a thousandth.
    whole, cents = (f"bool_and(round(_weight, {n}) = round(_weight, 6)) {over}" for n in (0, 2))
    digits = f"case when {whole} and _net = round(_net) then 0 when {cents} then 2 else 3 end"
    running = f"select *, {upto} _upto, {digits} _digits from ({settled})"
    # What is due up to each line, less what was due up to the line before.
    due = f"select *, round(_net * _upto / _whole, _digits) _due from ({running})"
    before = f"coalesce(lag(_due) over ({orders} order by {LINE}), 0)"
    amount = f"""case when {discount} then 0 when not _counts then amount
        when _net = _whole then _weight else round(_due - {before}, _digits) end"""
    back = f"_counts and _all_back{f' or {REFUNDED}' if REFUNDED in columns else ''}"
    known = [c for c in columns if c not in ("amount", REFUNDED) and c not in PARTS]
    chosen = ", ".join(map(quoted, known))
    return f"select {chosen}, {amount} as amount, {back} as {REFUNDED} from ({due})"


def describe(mapped: Mapping[str, str], rules: Policies) -> str:
    """How the amount of a line is made, in the headers of the export."""
    line, order = (choose_parts(mapped, rules, level=level) for level in ("line", "order"))
    base = mapped.get("amount", "")
    if not base and {"quantity", "unit_price"} <= set(mapped):
        quantity = mapped["quantity"]
        if "refunded_quantity" in line:
            quantity = f"({quantity} - {mapped['refunded_quantity']})"
        base = f"{quantity} x {mapped['unit_price']}"
    base += _list_signed([p for p in line if base and p != "refunded_quantity"], mapped)
    total = mapped["order_total"] if "order_total" in order else ""
    rest = _list_signed([p for p in order if p not in ("order_total", *_TOTALS)], mapped)
    if set(_TOTALS) <= set(order):
        before, after = (mapped[p] for p in _TOTALS)
        rest += f" - ({before} - {after})"
    if total and base:
        text = _("{total} of the order, spread over its lines by {base}")
        return text.format(total=total + rest, base=base)
    if total:
        return _("{total} of the order, in equal parts on its lines").format(total=total + rest)
    if rest:
        text = _("{base}{rest} (of the order, spread over its lines)")
        return text.format(base=base, rest=rest)
    return base


def _list_signed(parts: Collection[str], mapped: Mapping[str, str]) -> str:
    return "".join(f" {'-' if PARTS[p]['effect'] == 'off' else '+'} {mapped[p]}" for p in parts)


def _of_order(part: str, over: str) -> str:
    """SQL for a part of an order as a signed summand: its largest value, counted once."""
    value = f"arg_max({part}, abs({part})) {over}"
    if PARTS[part]["effect"] == "base":
        return value
    sign = {"off": "- abs", "on": "+ abs", "signed": "+ "}[PARTS[part]["effect"]]
    return f" {sign}(coalesce({value}, 0))"


def _net_of_order(parts: Collection[str], rules: Policies, discount: str, over: str) -> str:
    """SQL for what an order paid, by its total, else by what its lines add up to.

    `discount` is SQL for the rows that are discounts.
    """
    base = f"sum(_weight) {over}"
    if "order_total" in parts:
        base = _of_order("order_total", over)
    elif rules.discount_rows:
        base += f" - coalesce(abs(sum(amount) filter ({discount}) {over}), 0)"
    paid = base + "".join(_of_order(p, over) for p in parts if p not in _BASES)
    rate = f" / {1 + rules.tax_rate}" * bool(rules.tax_rate)
    return f"({paid}{_refund_of_order(parts, over)}){rate}"


def _refund_of_order(parts: Collection[str], over: str) -> str:
    """SQL for what an order's refunds take off: a column, or by how much its total was lowered. A
    total after refunds of zero means that there were none."""
    if "order_refund" in parts:
        return _of_order("order_refund", over)
    if not set(_TOTALS) <= set(parts):
        return " - 0"
    before, after = (f"arg_max({p}, abs({p})) {over}" for p in _TOTALS)
    return f" - coalesce(case when {after} != 0 then greatest({before} - {after}, 0) end, 0)"


def _either(named: Mapping[str, Collection[str]]) -> str:
    """SQL for rows whose column has one of the values that a policy names."""

    return "".join(_is_one_of(quoted(n), values) for n, values in named.items())


def _is_one_of(value: str, values: Collection[str]) -> str:
    if ANY in values:
        return f" or {value} is not null"
    listed = ", ".join(literal(v.casefold()) for v in values)
    return f" or coalesce(lower({value}) in ({listed}), {NONE in values})"
