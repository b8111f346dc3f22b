#!/usr/bin/env bash
# DuckDB 2.0: after fetchone() of a result of one row, the next relation on the connection fails.
#
# Versions: duckdb 2.0.1, and 1.5.6 to compare; Python 3.11.
# Guessed: `connection.execute("select count(*) ...").fetchone()` has read all there is, as in 1.x, so
# that `connection.sql(...)` may follow.
# Seen: the result counts as unfinished until a fetch returns no rows. `connection.sql(...)`, and the
# first fetch of a relation made before, raise ResourceInUseException; another `execute` does not, and
# a second fetchone(), which gives None, or fetchall() in place of it heal it. Code that counts with
# fetchone() and then works with relations breaks, and code that only executes goes on.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/run.py" <<'PYTHON'
import duckdb


def after(read, then):
    connection = duckdb.connect()
    earlier = connection.sql("select 3")
    read(connection.execute("select count(*) from range(5)"))
    try:
        return then(connection, earlier).fetchall()
    except Exception as error:
        return type(error).__name__


def one(result):
    assert result.fetchone() == (5,)


def one_and_none(result):
    one(result)
    assert result.fetchone() is None


def all_of_it(result):
    assert result.fetchall() == [(5,)]


def sql(connection, _earlier):
    return connection.sql("select 4")


def relation(_connection, earlier):
    return earlier


def execute(connection, _earlier):
    return connection.execute("select 4")


print(duckdb.__version__)
for read in (one, one_and_none, all_of_it):
    print(read.__name__, *(after(read, then) for then in (sql, relation, execute)))
PYTHON
seen=
for version in 1.5.6 2.0.1; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet --disable-pip-version-check "duckdb==$version"
    seen+=$("$work/$version/bin/python" "$work/run.py")$'\n'
done
echo "$seen"
[[ $seen == "1.5.6
one [(4,)] [(3,)] [(4,)]
one_and_none [(4,)] [(3,)] [(4,)]
all_of_it [(4,)] [(3,)] [(4,)]
2.0.1
one ResourceInUseException ResourceInUseException [(4,)]
one_and_none [(4,)] [(3,)] [(4,)]
all_of_it [(4,)] [(3,)] [(4,)]
" ]]
