#!/usr/bin/env bash
# Of two Parquet columns that differ only in case, DuckDB reads the first under both names.
#
# Versions: duckdb 2.0.0, pyarrow 26.0.1; Python 3.11.
# Guessed: an error about two columns of one name, or each column under its own quoted name, as
# Parquet names are case-sensitive and other readers (pyarrow, Spark with caseSensitive) keep them.
# Seen: no error and no warning. The second column is renamed "Amount_1", and a query for the quoted
# name "Amount" gives the values of "amount". union_by_name over two files, one with each name, adds
# them up in one column.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1
cat >"$work/run.py" <<'PYTHON'
import sys
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

folder = sys.argv[1]
pq.write_table(pa.table({"amount": [1], "Amount": [20]}), f"{folder}/both.parquet")
pq.write_table(pa.table({"amount": [1]}), f"{folder}/one-a.parquet")
pq.write_table(pa.table({"Amount": [20]}), f"{folder}/one-b.parquet")
print(pq.read_table(f"{folder}/both.parquet").column_names)
print(duckdb.sql(f"from '{folder}/both.parquet'").columns)
print(duckdb.sql(f"""select "Amount", amount from '{folder}/both.parquet'""").fetchall())
parts = f"read_parquet('{folder}/one-*.parquet', union_by_name = true)"
print(duckdb.sql(f"from {parts}").columns, duckdb.sql(f"select sum(amount) from {parts}").fetchall())
PYTHON
seen=$("$work/venv/bin/python" "$work/run.py" "$work")
echo "$seen"
[[ $seen == "['amount', 'Amount']
['amount', 'Amount_1']
[(1, 1)]
['amount'] [(21,)]" ]]
