"""Prepared order lines of any number, made in the engine. `python tests/benchmarks/lines.py`.

Everything is hash arithmetic on the number of a customer, an order and a line, so that the same
number of lines is always the same shop, and with the same DuckDB its file the same to the byte:

- how often a customer orders is Gamma(1/2) distributed and whether they leave after an order is
  Beta(1, 10), so that many buy once, a few hundreds of times, and BG/NBD describes them;
- acquisition grows by four fifths over three years, and all trade follows the season;
- an order has one to four lines, of 20,000 products of which the k-th sells 1/k as often as the
  first; amounts are log-normal, in whole yen; one line in fifty comes back some days later.

Customers are made in ranges, which bounds the memory, and the lines of all are then sorted by
date as in a real log.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

FIRST, DAYS, AS_OF = "2022-01-01", 1096, "2024-12-31"
PRODUCTS, RANGE = 20_000, 250_000
PER_CUSTOMER, OF_FEW = 18.85, 18.7  # lines, on average; the first of them happen to buy less
MANY = 1e6  # lines

# Lines alike in all of these are alike in everything, so that there is one order.
SORTED = "order_date, order_id, product_id, amount, quantity"

MACROS = f"""
    create or replace macro uniform(x, salt) as (hash(x * 64 + salt) >> 11) / 9007199254740992.0;
    create or replace macro normal(x, salt) as
        sqrt(-2 * ln(1 - uniform(x, salt))) * cos(2 * pi() * uniform(x, salt + 1));
    create or replace macro warped(t) as
        t - 0.25 * sin(6 * pi() * t / {DAYS}) * {DAYS} / (6 * pi());
    create or replace macro on_day(t) as timestamp '{FIRST}' + to_days(floor(t)::int);
"""
CUSTOMERS = f"""
    select c, (sqrt(1 + 2.24 * uniform(c, 1)) - 1) / 0.8 * {DAYS} as born,
        -ln((c * 0.6180339887498949 + 0.5) % 1) * cos(2 * pi() * uniform(c, 2)) ** 2 / 9.4 as rate,
        1 - uniform(c, 3) ** (1 / 10) as leaving
    from range({{start}}, {{stop}}) t(c)"""
ORDERS = f"""
    select c, born, rate, k,
        if(k = 0, 0, -ln(1 - uniform(c * 1024 + k, 4)) / rate) as gap
    from (
        select *, rate * ({DAYS} - born) as expected,
            floor(ln(1 - uniform(c, 5)) / ln(1 - leaving)) + 1 as repeats
        from ({CUSTOMERS})
    ), unnest(range(least(repeats, expected + 5 * sqrt(expected) + 5, 1023)::bigint + 1)) u(k)"""
DATED = f"""
    select c, c * 1024 + k as o, born
        + sum(gap) over (partition by c order by k rows unbounded preceding) as t
    from ({ORDERS}) qualify t < {DAYS}"""
SOLD = f"""
    select c, o, t, o * 4 + n as l, floor({PRODUCTS} ** uniform(o * 4 + n, 6))::int as product,
        1 + (uniform(o * 4 + n, 7) > 0.8)::int + (uniform(o * 4 + n, 7) > 0.95)::int as quantity,
        if(uniform(o * 4 + n, 8) < 0.02, floor(3 + 25 * uniform(o * 4 + n, 9)), null) as back
    from ({DATED}), unnest(range(1
        + (uniform(o, 10) > 0.45)::int + (uniform(o, 10) > 0.75)::int
        + (uniform(o, 10) > 0.9)::int)) u(n)"""
PRICED = f"""
    select *, greatest(1, round(quantity * exp(7.3 + 0.5 * normal(product, 11)
        + 0.4 * normal(c, 13) + 0.3 * normal(l, 15)))) as paid
    from ({SOLD})"""
LINES = f"""
    select 'C' || (hash(c * 64 + 17) % 90 + 10) || lpad(c::varchar, 7, '0') as customer_id,
        if(returned, 'R', 'S') || lpad(to_base(o, 36), 7, '0') as order_id,
        on_day(least(warped(t) + if(returned, back, 0), {DAYS})) as order_date,
        if(returned, -paid, paid) as amount,
        'P' || lpad(product::varchar, 7, '0') as product_id,
        'category ' || (hash(product * 64 + 18) % 12 + 1) as category,
        ['search', 'social', 'affiliate', 'catalogue', 'referral'][
            floor(5 * uniform(c, 19) ** 1.5)::int + 1] as channel,
        if(returned, -quantity, quantity)::double as quantity,
        round(if(returned, -paid, paid) * (0.35 + 0.05 * (hash(product * 64 + 18) % 7))) as margin
    from ({PRICED}), unnest([false, true]) u(returned)
    where not returned or warped(t) + back < {DAYS}"""


def write(path: Path, lines: float, *, memory: str = "4GB", threads: int = 2) -> int:
    """About so many lines as one Parquet file, sorted by date; how many there are."""
    import duckdb

    with TemporaryDirectory(dir=path.parent) as folder:
        config = {"memory_limit": memory, "threads": threads, "temp_directory": folder}
        connection = duckdb.connect(config=config)
        connection.execute(MACROS)
        customers = round(lines / (PER_CUSTOMER if lines >= MANY else OF_FEW))
        for start in range(0, customers, RANGE):
            made = LINES.format(start=start, stop=min(start + RANGE, customers))
            part = f"{folder}/{start:09}.parquet"
            connection.execute(f"copy ({made}) to '{part}' (format parquet)")
        parts = f"select * from '{folder}/*.parquet' order by {SORTED}"
        connection.execute(f"copy ({parts}) to '{path}' (format parquet)")
        return connection.sql(f"select count(*) from '{path}'").fetchall()[0][0]


if __name__ == "__main__":
    start = time.perf_counter()
    count = write(Path(sys.argv[2]), float(sys.argv[1]))
    print(f"{count:,} lines in {time.perf_counter() - start:.1f} s")
