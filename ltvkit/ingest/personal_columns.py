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
_MANY = 300_000  # lines; of fewer, it takes no longer to measure all columns
_LIMITS: Mapping[str, float] = files.read_yaml(__name__, "personal_columns.yaml")
# What is no text of the shop's own, or tells customers and orders apart and is on no page.
_JUDGED_NOT = (*schema.FIRST, *schema.NUMBERS, *schema.WORKING, "written_order_id", "currency")


def find_personal(
    lines: nw.LazyFrame, mapped: Mapping[str, str], *, shown: Iterable[str], count: int = _MANY
) -> list[dict[str, Any]]:
    """Validated lines, and name -> header -> column, header, kind and share of columns of people.

    `kind` is "mails", "telephones", "names" or "ids"; of a column that is personal by its header
    alone it is "header". Columns in `shown` are left out. `count` is how many lines there are.
    """
    known = lines.collect_schema().names()
    judged = [c for c in known if c not in (*_JUDGED_NOT, *amounts.PARTS, *shown)]
    judged = [c for c in judged if c in mapped]
    if not judged:
        return []
    kept = lines.filter(nw.col("reason").is_null())
    measured = judged if count < _MANY else _choose_measured(kept, judged)
    found = _measure(kept, measured) if measured else {}
    kinds = {c: _judge(found[c]) if c in found else None for c in judged}
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


def _choose_measured(lines: nw.LazyFrame, judged: Sequence[str]) -> list[str]:
    """The columns that may hold people: not those of few values for many customers, none of them
    an e-mail or a name with a title.

    Of those, each share that `_judge` takes for people is within its limit, as there are at most
    as many different values, and customers who have their own id, as the column has values.
    """
    values = frames.table(lines.select(nw.col(*judged).n_unique())).iloc[0]
    named = {f"_{n}": c for n, c in enumerate(judged)}
    customers = frames.table(
        lines.group_by("customer_id")
        .agg(**{n: nw.col(c).count() for n, c in named.items()})
        .with_columns(**{n: frames.one_if(nw.col(n) > 0) for n in named})
        .select(
            nw.col(*named).sum(),
            all=nw.len(),
            who=nw.col("customer_id").str.to_lowercase().n_unique(),
        )
    ).iloc[0]
    alike = customers["all"] - customers["who"]  # ids that differ in case alone
    limit = min(_LIMITS[name] for name in ("ids", "own", "own_of_many"))
    filled = {c: customers[n] for n, c in named.items()}
    return [
        c
        for c in judged
        if filled[c] < _LIMITS["few"]
        or values[c] + alike > limit * filled[c]
        or _has_mail_or_title(lines, c)
    ]


def _has_mail_or_title(lines: nw.LazyFrame, column: str) -> bool:
    text = nw.col(column).cast(nw.String).str.strip_chars().str.to_lowercase()
    found = frames.one_if(text.str.contains(f"{_FORMS['mail_in_column']}|{_FORMS['title']}"))
    # By a sum over the values: a filter would be moved to the lines.
    values = lines.group_by(column).agg(_lines=nw.len()).select(found=found)
    return bool(frames.table(values.select(nw.col("found").sum())).fillna(0).iat[0, 0])


def _measure(lines: nw.LazyFrame, judged: Sequence[str]) -> dict[str, dict[str, float]]:
    """Column -> counts of customers, of those with several days, and of what it holds for each."""
    texts = {
        f"_{n}": nw.col(c).cast(nw.String).str.strip_chars().str.to_lowercase()
        for n, c in enumerate(judged)
    }
    who = nw.col("customer_id").str.strip_chars().str.to_lowercase()
    each = (
        lines.select("customer_id", "order_date", _who=who, **texts)
        .with_columns(**{f"{c}_same": frames.one_if(nw.col(c) == nw.col("_who")) for c in texts})
        .group_by("customer_id")
        .agg(
            _first=nw.col("order_date").min(),
            _last=nw.col("order_date").max(),
            **{f"{c}_least": nw.col(c).min() for c in texts},
            **{f"{c}_most": nw.col(c).max() for c in texts},
            **{f"{c}_id": nw.col(f"{c}_same").max() for c in texts},
        )
    )
    # All columns below each other, as a pattern takes longer to prepare than to try on many texts.
    with frames.materialized(each, like=lines) as each:
        again = nw.col("_first") < nw.col("_last")
        stacked = nw.concat(
            [
                each.select(
                    column=nw.lit(n),
                    least=nw.col(f"{c}_least"),
                    most=nw.col(f"{c}_most"),
                    id=nw.col(f"{c}_id"),
                    _again=again,
                )
                for n, c in enumerate(texts)
            ]
        )
        found = frames.table(_count(stacked)).set_index("column")
    return {judged[n]: row.to_dict() for n, row in found.iterrows()}


def _count(stacked: nw.LazyFrame) -> nw.LazyFrame:
    """A row per column and customer: the `least` and the `most` text, `id` -> a row per column."""
    least, most, again = nw.col("least"), nw.col("most"), nw.col("_again")
    one = (least == most) & again
    mail = _contains(least, most, _FORMS["mail_in_column"])
    counted = stacked.with_columns(
        filled=frames.one_if(~most.is_null()),
        back=frames.one_if(~most.is_null() & again),
        one=frames.one_if(one),
        of_one=nw.when(one).then(most),
        mail=frames.one_if(mail),
        of_mail=nw.when(mail).then(most),
        phone=frames.one_if(_contains(least, most, _TELEPHONE)),
        title=frames.one_if(_contains(least, most, _FORMS["title"])),
    )
    sums = ("filled", "back", "one", "mail", "phone", "title", "id")
    return counted.group_by("column").agg(
        *(nw.col(name).sum() for name in sums),
        all=nw.len(),
        values=nw.col("most").n_unique(),
        values_of_one=nw.col("of_one").n_unique(),
        mails=nw.col("of_mail").n_unique(),
    )


def _judge(found: Mapping[str, float]) -> tuple[str, float] | None:
    """The kind of people that a column holds, and the share of its customers; None if it is none.

    A telephone number or a name is a customer's own: a column of few values for many customers,
    such as a region, a shop or a product, holds none. Names with a title are names where there are
    many, also if customers share them, as they do surnames.
    """
    if not found["filled"]:
        return None
    names = ("mail", "phone", "title", "id", "values")
    share = {name: found[name] / found["filled"] for name in names}
    if share["mail"] > _LIMITS["mails"] and _has_mails_of_customers(found):
        return "mails", share["mail"]
    few = found["filled"] < _LIMITS["few"]
    if share["id"] == 1 if few else share["id"] > _LIMITS["ids"]:
        return "ids", share["id"]
    if share["phone"] > _LIMITS["telephones"] and share["values"] > _LIMITS["own"]:
        return "telephones", share["phone"]
    own_or_many = share["values"] > _LIMITS["own"] or found["values"] >= _LIMITS["titled"]
    if share["title"] > _LIMITS["titles"] and own_or_many:
        return "names", share["title"]
    if found["back"] < _LIMITS["customers"]:
        return None
    constant = found["one"] / found["back"]
    own = found["values_of_one"] / max(found["one"], 1)
    close = own >= _LIMITS["distinct"] and share["values"] > _LIMITS["own"]
    many = found["values"] >= _LIMITS["many"] and share["values"] > _LIMITS["own_of_many"]
    return ("names", constant) if constant >= _LIMITS["constant"] and (close or many) else None


def _has_mails_of_customers(found: Mapping[str, float]) -> bool:
    """Whether e-mails are many of the values: a shop's own address is in the name of a product."""
    # A count of different values has that of none in it.
    mails = found["mails"] - (found["mail"] < found["all"])
    values = found["values"] - (found["filled"] < found["all"])
    return mails / max(values, 1) > _LIMITS["mails"] and (mails > 1 or values == 1)


def _contains(least: nw.Expr, most: nw.Expr, pattern: str) -> nw.Expr:
    return least.str.contains(pattern) | most.str.contains(pattern)
