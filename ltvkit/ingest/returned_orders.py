"""Find purchases that later rows take back whole: such an order is none."""

import narwhals.stable.v2 as nw

RETURNED = "returned in full"
_ORDER = ("customer_id", "order_id")


def reject_returned_orders(lines: nw.LazyFrame) -> nw.LazyFrame:
    """Validated lines -> the same with `RETURNED` as the reason of both rows of such a pair.

    A return takes back a whole purchase where it has the same customer and the opposite amount, and
    is no earlier. The first return that has such a purchase before it takes back the first, and so
    on; one that has none, as of a sale before the data begin, takes back nothing. An order whose
    own rows add up to nothing, with a row below zero, is returned as well.
    """
    amount, day = nw.col("amount"), nw.col("order_date")
    totals = (
        lines.filter(nw.col("reason").is_null())
        .group_by(*_ORDER)
        .agg(_total=amount.sum().round(2), _least=amount.min(), _day=day.min())
        .with_columns(_size=nw.col("_total").abs())
    )
    pairs = _pair(totals.filter(nw.col("_total") != 0))
    within = totals.filter((nw.col("_total") == 0) & (nw.col("_least") < 0)).select(*_ORDER)
    returned = nw.concat(
        [
            pairs.select(*_ORDER),
            pairs.select("customer_id", order_id="order_id_back"),
            within,
        ]
    ).with_columns(_returned=nw.lit(True))
    reason = nw.when(nw.col("reason").is_null() & nw.col("_returned")).then(nw.lit(RETURNED))
    return (
        lines.join(returned, on=list(_ORDER), how="left")
        .with_columns(reason=reason.otherwise(nw.col("reason")))
        .drop("_returned")
    )


def _pair(totals: nw.LazyFrame) -> nw.LazyFrame:
    """Totals of orders, none zero -> purchases, each with the `order_id_back` of its return."""
    key = ["customer_id", "_size"]
    sale = nw.col("_total") > 0
    place = nw.when(sale).then(nw.lit(" 0 ")).otherwise(nw.lit(" 1 "))  # of one day sales first
    day = nw.col("_day").dt.to_string("%Y-%m-%d")
    step = nw.when(sale).then(nw.lit(1)).otherwise(nw.lit(-1))
    placed = totals.with_columns(_at=nw.concat_str(day, place, "order_id"), _step=step)
    open_sales = nw.col("_step").cum_sum().over(*key, order_by="_at")
    least = nw.col("_open").cum_min().over(*key, order_by="_at")
    known = placed.with_columns(_open=open_sales).with_columns(_least=least)
    # Where more returns than purchases came than ever before, the return has no purchase.
    before = nw.col("_least").shift(1).over(*key, order_by="_at").fill_null(0)
    known = known.with_columns(_before=before)
    without = (nw.col("_open") < 0) & (nw.col("_open") < nw.col("_before"))
    turn = nw.col("_at").rank("ordinal").over(*key)
    sales, backs = (
        known.filter(which).with_columns(_turn=turn) for which in (sale, ~sale & ~without)
    )
    return sales.join(backs, on=[*key, "_turn"], how="inner", suffix="_back")
