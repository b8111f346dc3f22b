"""Find purchases that later rows take back whole: such an order is none."""

import narwhals.stable.v2 as nw

RETURNED = "returned in full"
_ORDER = ("customer_id", "order_id")


def reject_returned_orders(lines: nw.LazyFrame) -> nw.LazyFrame:
    """Validated lines -> the same with `RETURNED` as the reason of both rows of such a pair.

    A return takes back a whole purchase where it has the same customer and the opposite amount, and
    is no earlier. The first such return takes back the first such purchase, and so on. An order
    whose own rows add up to nothing, with a row below zero, is returned as well.
    """
    amount, day = nw.col("amount"), nw.col("order_date")
    totals = (
        lines.filter(nw.col("reason").is_null())
        .group_by(*_ORDER)
        .agg(_total=amount.sum().round(2), _least=amount.min(), _day=day.min())
        .with_columns(_size=nw.col("_total").abs())
    )
    ordered = nw.concat_str(nw.col("_day").dt.to_string("%Y-%m-%d"), nw.lit(" "), "order_id")
    turn = ordered.rank("ordinal").over("customer_id", "_size")
    sides = [
        totals.filter(which).with_columns(_turn=turn)
        for which in (nw.col("_total") > 0, nw.col("_total") < 0)
    ]
    pairs = (
        sides[0]
        .join(sides[1], on=["customer_id", "_size", "_turn"], how="inner", suffix="_back")
        .filter(nw.col("_day") <= nw.col("_day_back"))
    )
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
