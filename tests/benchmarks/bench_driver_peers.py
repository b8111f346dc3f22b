"""How do other packages share out a change of revenue?

`python tests/benchmarks/bench_driver_peers.py`

The revenue tree of openretailscience (factors, nested, each pair by their midpoint) and icanexplain
(counts and means, one after the other), each in an environment of its own in a temporary folder,
beside `drivers.attribute`: on the purchases of the sample shop, August and September 2024, and on a
shop whose orders halve while their value doubles by the price alone. Fails where the kit's parts do
not add up, an unmoved factor gets something, or the signs do not turn with the periods; and where a
peer no longer does what the tables say of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from ltvkit import drivers, orders
from ltvkit.engines import frames
from ltvkit.ingest.lines import filter_purchases

PEERS = {
    "openretailscience": ["openretailscience==0.48.1"],
    "icanexplain": ["icanexplain==0.3.0", "ibis-framework[duckdb]", "pandas", "pyarrow"],
}
TREE = drivers.Formula("customers * orders * items * price")
# 1,000 customers of two orders, of five pieces at 30; then of one order, at 60.
TRAP = [
    {"customers": 1000.0, "orders": 2.0, "items": 5.0, "price": 30.0},
    {"customers": 1000.0, "orders": 1.0, "items": 5.0, "price": 60.0},
]
SCRIPTS = {
    "openretailscience": """
import json, sys
import pandas as pd
from openretailscience.analysis.revenue_tree import RevenueTree
lines = pd.read_parquet(sys.argv[1])
found = {}
for name, (one, two) in {"forward": "ab", "backward": "ba"}.items():
    row = RevenueTree(lines, period_col="period", p1_value=one, p2_value=two).df.iloc[0]
    found[name] = {
        "customers": row["customers_contrib"],
        "orders": row["transactions_per_customer_contrib"],
        "items": row["units_per_transaction_contrib"],
        "price": row["price_per_unit_contrib"],
    }
print(json.dumps(found))
""",
    "icanexplain": """
import json, sys
import icanexplain as ice
import pandas as pd
lines = pd.read_parquet(sys.argv[1])
orders = lines.groupby(["period", "transaction_id"], as_index=False)["unit_spend"].sum()
found = {}
for name, turn in {"forward": {}, "backward": {"a": "b", "b": "a"}}.items():
    turned = orders.assign(period=orders["period"].replace(turn))
    row = ice.SumExplainer(fact="unit_spend", period="period")(turned).iloc[0]
    found[name] = {"orders": row["mix"], "order value": row["inner"]}
print(json.dumps(found))
""",
}


def main() -> None:
    with TemporaryDirectory() as folder:
        pythons = {name: install(name, Path(folder, name)) for name in PEERS}
        for title, lines in {"sample shop": read_shop(), "trap": make_trap()}.items():
            path = Path(folder, f"{title}.parquet")
            lines.to_parquet(path, index=False)
            sides = [measure(lines[lines["period"] == p]) for p in "ab"]
            parts = {"ltvkit": {"forward": share(*sides), "backward": share(*sides[::-1])}}
            parts |= {name: ask(name, python, path) for name, python in pythons.items()}
            show(title, parts, sides)
            check(title, parts, sides)


def read_shop() -> pd.DataFrame:
    """Purchases of August ("a") and September ("b") 2024."""
    book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]})
    lines = frames.table(filter_purchases(frames.lazy(book.lines)))
    month = lines["order_date"].astype(str).str[:7].map({"2024-08": "a", "2024-09": "b"})
    kept = lines.assign(period=month)[month.notna()]
    names = {"order_id": "transaction_id", "amount": "unit_spend", "quantity": "unit_quantity"}
    return kept.rename(columns=names)[["period", "customer_id", *names.values()]]


def make_trap() -> pd.DataFrame:
    rows = [
        (period, f"c{c}", f"{period}{c} {n}", side["items"] * side["price"], side["items"])
        for period, side in zip("ab", TRAP, strict=True)
        for c in range(int(side["customers"]))
        for n in range(int(side["orders"]))
    ]
    names = ["period", "customer_id", "transaction_id", "unit_spend", "unit_quantity"]
    return pd.DataFrame(rows, columns=names)


def measure(lines: pd.DataFrame) -> dict[str, float]:
    customers, placed = (lines[c].nunique() for c in ("customer_id", "transaction_id"))
    pieces, revenue = (float(lines[c].sum()) for c in ("unit_quantity", "unit_spend"))
    ratios = {"orders": placed / customers, "items": pieces / placed, "price": revenue / pieces}
    return {"customers": float(customers), **ratios}


def share(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {leaf: float(x) for leaf, x in drivers.attribute(TREE, before, after).items()}


def install(name: str, folder: Path) -> Path:
    """An environment of its own, as the two ask for different versions of ibis."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", str(folder)], check=True)
    python = folder / "bin" / "python"
    how = [*uv, "pip", "install", "--quiet", "--python", str(python), *PEERS[name]]
    subprocess.run(how, check=True)
    return python


def ask(name: str, python: Path, lines: Path) -> dict[str, dict[str, float]]:
    called = [str(python), "-W", "ignore", "-c", SCRIPTS[name], str(lines)]
    printed = subprocess.run(called, check=True, capture_output=True, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def show(title: str, parts: Mapping[str, Mapping], sides: list[dict[str, float]]) -> None:
    change = float(TREE.evaluate(sides[1]) - TREE.evaluate(sides[0]))
    print(f"\n## {title}: revenue changes by {change:,.0f}\n")
    print(
        "| part | package | of the change | with the periods swapped |\n| --- | --- | ---: | ---: |"
    )
    for name, found in parts.items():
        for leaf, x in found["forward"].items():
            print(f"| {leaf} | {name} | {x:+,.0f} | {found['backward'][leaf]:+,.0f} |")


def check(title: str, parts: Mapping[str, Mapping], sides: list[dict[str, float]]) -> None:
    change = float(TREE.evaluate(sides[1]) - TREE.evaluate(sides[0]))
    ours = parts["ltvkit"]
    assert abs(sum(ours["forward"].values()) - change) < 0.5
    assert all(abs(x + ours["backward"][leaf]) < 0.5 for leaf, x in ours["forward"].items())
    if title != "trap":
        return
    assert ours["forward"]["customers"] == ours["forward"]["items"] == 0
    nested, in_turn = parts["openretailscience"], parts["icanexplain"]
    assert round(nested["forward"]["items"]) == 37_500, "an unmoved factor"
    assert round(in_turn["forward"]["orders"]) == -300_000
    assert round(in_turn["backward"]["orders"]) == 150_000, "not the same with the sign turned"


if __name__ == "__main__":
    main()
