#!/usr/bin/env bash
# Narwhals unpivots a DuckDB relation only if it belongs to DuckDB's default connection.
#
# Versions: narwhals 2.29.0, duckdb 2.0.0; Python 3.11.
# Guessed: as with select, filter, group_by and join, the result is a relation of the connection
# that the frame came from.
# Seen: all of these work on a relation of `duckdb.connect()`; unpivot alone raises, as it hands the
# relation to `duckdb.sql`, which reads on the default connection of the module. The same code works
# on a relation made by `duckdb.sql`, so a test that makes its frames so does not notice.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    narwhals==2.29.0 duckdb==2.0.0 pyarrow==26.0.1
cat >"$work/run.py" <<'PYTHON'
import duckdb
import narwhals as nw

QUERY = "select 1 as id, 2 as net, 3 as tax"


STEPS = {
    "select": lambda frame: frame.select("id", "net"),
    "group_by": lambda frame: frame.group_by("id").agg(nw.col("net").sum()),
    "join": lambda frame: frame.join(frame, on="id"),
    "unpivot": lambda frame: frame.unpivot(on=["net", "tax"], index="id"),
}


def tries(relation):
    frame = nw.from_native(relation).lazy()
    for name, step in STEPS.items():
        try:
            yield f"{name} {step(frame).collect().shape[0]}"
        except duckdb.Error as error:
            yield f"{name} {type(error).__name__}"


print("default:", *tries(duckdb.sql(QUERY)))
print("own:", *tries(duckdb.connect().sql(QUERY)))
PYTHON
seen=$("$work/venv/bin/python" "$work/run.py")
echo "$seen"
[[ $seen == "default: select 1 group_by 1 join 1 unpivot 2
own: select 1 group_by 1 join 1 unpivot InvalidInputException" ]]
