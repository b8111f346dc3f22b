#!/usr/bin/env bash
# openretailscience's revenue tree gives a factor that did not move a part of the change.
#
# Versions: openretailscience 0.48.1 (pandas 3, ibis); Python 3.11.
# Guessed: a contribution is zero where the factor is the same in both periods, and has the other
# sign where the periods are swapped, as each pair of factors is shared out by its midpoint.
# Seen: 1,000 customers place two orders of 5 pieces at 30, then one order of 5 pieces at 60. Pieces
# per order did not move, nor did revenue. The tree shares spend per order out among pieces and
# price below orders per customer, and hands the joint change of the two upper factors down in equal
# parts: pieces per order get +37,500, and with the periods swapped +37,500 again.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openretailscience==0.48.1
cat >"$work/run.py" <<'PYTHON'
import pandas as pd
from openretailscience.analysis.revenue_tree import RevenueTree

ORDERS, PRICE = {"2024-08": 2, "2024-09": 1}, {"2024-08": 30.0, "2024-09": 60.0}
lines = pd.DataFrame(
    [
        (month, f"c{customer}", f"{month} {customer} {order}", 5 * PRICE[month], 5)
        for month, orders in ORDERS.items()
        for customer in range(1000)
        for order in range(orders)
    ],
    columns=["month", "customer_id", "transaction_id", "unit_spend", "unit_quantity"],
)
for before, after in (("2024-08", "2024-09"), ("2024-09", "2024-08")):
    row = RevenueTree(lines, period_col="month", p1_value=before, p2_value=after).df.iloc[0]
    parts = [
        row[f"{name}_contrib"]
        for name in ("customers", "transactions_per_customer", "units_per_transaction", "price_per_unit")
    ]
    print(f"from {before}:", *(f"{part:.0f}" for part in parts))
PYTHON
seen=$("$work/venv/bin/python" -W ignore "$work/run.py")
echo "$seen"
[[ $seen == "from 2024-08: 0 -225000 37500 187500
from 2024-09: 0 225000 37500 -262500" ]]
