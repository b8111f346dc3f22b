"""The columns of orders: canonical ones, and working columns that reading adds."""

from collections.abc import Collection

REQUIRED = ("customer_id", "order_date", "amount")
NUMBERS = ("amount", "quantity", "unit_price", "margin")
OPTIONAL = ("order_id", "product_id", "product", "category", "channel", "status", "currency")
COLUMNS = (*REQUIRED, *NUMBERS[1:], *OPTIONAL)
# Columns that differ by customer, by order or by amount, and name no group of customers.
NO_GROUPS = ("customer_id", "order_id", "order_date", *NUMBERS)
FIRST = ("customer_id", "order_id", "order_date", "amount")

# Added to the raw columns of a record: its line, its fault, its text as written.
LINE, FAULT, TEXT = RECORD = ("_line", "_fault", "_text")
FILE = "_file"  # where a source has several files
NO_LINE = "_none"  # while columns are filled down: the row is no order line
# In a policy that names values of a column: any value at all; no value.
ANY, NONE = "*", ""
FRAME = "the frame"  # the source of orders that are no file
# A raw column of one of these names is read under another, as "_line (2)".
RESERVED = (*RECORD, FILE, NO_LINE)
# Added to the canonical columns: file and line; the reject reason, raw columns and text of a line;
# the customer id before it was folded; the currency sign beside the amount; about how much money a
# rejected line holds.
ESTIMATE = "_estimate"
WORKING = (FILE, LINE, "reason", "_written", TEXT, "_written_customer", "_sign", ESTIMATE)


def find_missing(names: Collection[str]) -> list[str]:
    """The required columns that are not in `names`; an amount can be quantity x unit_price, or
    part of the order's total.

    >>> find_missing(["order_date", "quantity", "unit_price"])
    ['customer_id']
    """
    priced = {"quantity", "unit_price"} <= set(names) or "order_total" in names
    return [n for n in REQUIRED if n not in names and not (n == "amount" and priced)]
