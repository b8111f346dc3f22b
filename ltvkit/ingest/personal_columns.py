"""Columns that hold people by their content, whatever their header says.

A column is judged by customers, not by lines. One that holds e-mails, telephone numbers, names or
customer ids is in no table, chart or list, as if it were not mapped, unless the policy `shown`
names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.core import files, personal_data
from ltvkit.engines import frames
from ltvkit.ingest import amounts, schema

_FORMS: dict[str, str] = {k: "|".join(v) for k, v in personal_data.FORMS.items()}
_TELEPHONE = f"^(?:{_FORMS['telephone']}|{_FORMS['telephone_or_code']})$"
_LIMITS: Mapping[str, float] = files.read_yaml(__name__, "personal_columns.yaml")
# What is no text of the shop's own, or tells customers and orders apart and is on no page.
_JUDGED_NOT = (*schema.FIRST, *schema.NUMBERS, *schema.WORKING, "written_order_id", "currency")


def find_personal(
    lines: nw.LazyFrame, mapped: Mapping[str, str], *, shown: Iterable[str]
) -> list[dict[str, Any]]:
    """Validated lines, and name -> header -> column, header, kind and share of columns of people.

    `kind` is "mails", "telephones", "names" or "ids"; of a column that is personal by its header
    alone it is "header". Columns in `shown` are left out. One query, of a row per customer.
    """
    known = lines.collect_schema().names()
    judged = [c for c in known if c not in (*_JUDGED_NOT, *amounts.PARTS, *shown)]
    judged = [c for c in judged if c in mapped]
    if not judged:
        return []
    found = _measure(lines.filter(nw.col("reason").is_null()), judged)
    kinds = {column: _judge(found, number) for number, column in enumerate(judged)}
    for column in judged:
        if not kinds[column] and personal_data.is_contact(mapped[column]):
            kinds[column] = "header", 1.0
    return [
        {"column": column, "header": mapped[column], "kind": kind[0], "share": kind[1]}
        for column, kind in kinds.items()
        if kind
    ]


def list_hidden(facts: Mapping[str, Any]) -> list[str]:
    """Facts of orders -> the columns that their lines are without."""
    return [one["column"] for one in facts.get("personal", ())]


def _measure(lines: nw.LazyFrame, judged: Sequence[str]) -> dict[str, float]:
    """Counts of customers, of those with several days, and of what the columns hold for each."""
    texts = {
        f"_{n}": nw.col(c).cast(nw.String).str.strip_chars().str.to_lowercase()
        for n, c in enumerate(judged)
    }
    who = nw.col("customer_id").str.strip_chars().str.to_lowercase()
    each = (
        lines.select("customer_id", "order_date", _who=who, **texts)
        .with_columns(**{f"{c}_same": _one_if(nw.col(c) == nw.col("_who")) for c in texts})
        .group_by("customer_id")
        .agg(
            _first=nw.col("order_date").min(),
            _last=nw.col("order_date").max(),
            **{f"{c}_least": nw.col(c).min() for c in texts},
            **{f"{c}_most": nw.col(c).max() for c in texts},
            **{f"{c}_id": nw.col(f"{c}_same").max() for c in texts},
        )
        .with_columns(_again=nw.col("_first") < nw.col("_last"))
    )
    ways: dict[str, nw.Expr] = {"_all": nw.lit(1)}
    for c in texts:
        least, most = nw.col(f"{c}_least"), nw.col(f"{c}_most")
        one = (least == most) & nw.col("_again")
        ways[f"{c}_filled"] = _one_if(~most.is_null())
        ways[f"{c}_back"] = _one_if(~most.is_null() & nw.col("_again"))
        ways[f"{c}_one"] = _one_if(one)
        ways[f"{c}_of_one"] = nw.when(one).then(most)
        mail = _contains(least, most, _FORMS["mail_in_column"])
        ways[f"{c}_mail"] = _one_if(mail)
        ways[f"{c}_of_mail"] = nw.when(mail).then(most)
        ways[f"{c}_phone"] = _one_if(_contains(least, most, _TELEPHONE))
        ways[f"{c}_title"] = _one_if(_contains(least, most, _FORMS["title"]))
    counted = each.with_columns(**ways)
    sums = ("filled", "back", "one", "mail", "phone", "title", "id")
    distinct = {
        f"{c}_{name}": nw.col(f"{c}_{of}").n_unique()
        for c in texts
        for name, of in (("values", "most"), ("values_of_one", "of_one"), ("mails", "of_mail"))
    }
    summed = [nw.col(f"{c}_{name}").sum() for c in texts for name in sums]
    row = counted.select(nw.col("_all").sum(), *summed, **distinct)
    return frames.table(row).fillna(0).iloc[0].to_dict()


def _judge(found: Mapping[str, float], number: int) -> tuple[str, float] | None:
    """The kind of people that a column holds, and the share of its customers; None if it is none.

    A telephone number, a title or a name is a customer's own: a column of few values for many
    customers, such as a region, a shop or a product, holds none.
    """
    n = {name: float(found[f"_{number}_{name}"]) for name in ("filled", "back", "one", "values")}
    share = {
        name: float(found[f"_{number}_{name}"]) / max(n["filled"], 1)
        for name in ("mail", "phone", "title", "id", "values")
    }
    if not n["filled"]:
        return None
    if share["mail"] > _LIMITS["mails"] and _has_mails_of_customers(found, number):
        return "mails", share["mail"]
    few = n["filled"] < _LIMITS["few"]
    if share["id"] == 1 if few else share["id"] > _LIMITS["ids"]:
        return "ids", share["id"]
    if share["phone"] > _LIMITS["telephones"] and share["values"] > _LIMITS["own"]:
        return "telephones", share["phone"]
    if share["title"] > _LIMITS["titles"] and share["values"] > _LIMITS["own"]:
        return "names", share["title"]
    if n["back"] < _LIMITS["customers"]:
        return None
    constant = n["one"] / n["back"]
    own = float(found[f"_{number}_values_of_one"]) / max(n["one"], 1)
    close = own >= _LIMITS["distinct"] and share["values"] > _LIMITS["own"]
    many = n["values"] >= _LIMITS["many"] and share["values"] > _LIMITS["own_of_many"]
    return ("names", constant) if constant >= _LIMITS["constant"] and (close or many) else None


def _has_mails_of_customers(found: Mapping[str, float], number: int) -> bool:
    """Whether e-mails are many of the values: a shop's own address is in the name of a product."""
    mails, values = (float(found[f"_{number}_{name}"]) for name in ("mails", "values"))
    with_one, filled = (float(found[f"_{number}_{name}"]) for name in ("mail", "filled"))
    everybody = float(found["_all"])
    mails -= with_one < everybody  # the count of different values has that of none in it
    values -= filled < everybody
    return mails / max(values, 1) > _LIMITS["mails"] and (mails > 1 or values == 1)


def _contains(least: nw.Expr, most: nw.Expr, pattern: str) -> nw.Expr:
    return least.str.contains(pattern) | most.str.contains(pattern)


def _one_if(holds: nw.Expr) -> nw.Expr:
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
