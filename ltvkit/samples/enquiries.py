"""Enquiries of the sample shop's customers, with known truth (enquiries.yaml)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.core import files

COLUMNS = [
    "enquiry_id", "customer_id", "enquiry_time", "text", "intent", "product_id", "order_id",
    "channel", "carrier", "lot", "campaign", "answered_by", "answer_minutes", "handling_minutes",
    "solved", "satisfaction",
]  # fmt: skip
CHANNELS = {"mail": 0.6, "chat": 0.3, "phone": 0.1}
PLACES = ("lot", "carrier", "campaign", "product_id")  # of a cause
STAFF = ("aoki", "mori", "tani")
CONTACTS = ("電話は{phone}です。", "連絡先: {mail}", " My number is {phone}.", " Mail: {mail}")
END = pd.Timestamp("2024-09-30")


def truth() -> dict[str, Any]:
    """What the enquiries are made from, as enquiries.yaml explains it."""
    found: dict[str, Any] = files.read_yaml(__name__, "enquiries.yaml")
    return found


def simulate(*, seed: int = 20240930) -> pd.DataFrame:
    """The enquiries of the sample shop, as an export has them: a row each, sorted by time and id.

    Enquiries follow shipped orders of `shop.parquet` by the rates of the `truth`.
    """
    known, rng = truth(), np.random.default_rng(seed)
    lines = pd.read_parquet(Path(__file__).with_name("shop.parquet"))
    bought = _describe_orders(rng, lines, known)
    asked = pd.concat(_ask(rng, bought, known), ignore_index=True)
    asked = _write(rng, asked[asked["at"] < END + pd.Timedelta(days=1)], known)
    asked = asked.sort_values(["at", "order_id", "intent"], ignore_index=True)
    asked = _answer(rng, asked, bought, known)
    guest = rng.random(len(asked)) < known["guests"]
    hidden = (rng.random(len(asked)) < known["unlabelled"]) | asked["open"]
    hidden |= asked["intent"] == known["unseen"]["intent"]
    return asked.assign(
        enquiry_id="E" + pd.Series(np.arange(1, len(asked) + 1)).astype(str).str.zfill(5),
        enquiry_time=asked["at"].dt.strftime("%Y-%m-%d %H:%M"),
        customer_id=asked["customer_id"].mask(guest, ""),
        order_id=asked["order_id"].mask(guest, ""),
        intent=asked["intent"].mask(hidden, ""),
    )[COLUMNS]


def write_texts(
    rng: np.random.Generator, wanted: list[str], known: dict[str, Any], *, product: str = "Sencha"
) -> list[str]:
    """Names of `texts` -> a text of each, without typing errors or anything mixed in."""
    languages = rng.choice(list(known["language"]), len(wanted), p=[*known["language"].values()])
    return [
        _fill(rng, known, name, str(language), product)
        for name, language in zip(wanted, languages, strict=True)
    ]


def _describe_orders(rng, lines: pd.DataFrame, known: dict[str, Any]) -> pd.DataFrame:
    """A row per shipped order: one of its products, its lot, carrier and campaign."""
    shipped = lines[(lines["status"] == "shipped") & (lines["customer_id"] != "")]
    shipped = shipped.sample(frac=1, random_state=rng).drop_duplicates("order_id")
    bought = shipped.sort_values("order_id", ignore_index=True)
    day = pd.to_datetime(bought["order_date"])
    half = np.where(rng.random(len(bought)) < 0.5, "A", "B")
    quarter = day.dt.year.astype(str) + "Q" + day.dt.quarter.astype(str)
    carriers = known["carriers"]
    bought["carrier"] = rng.choice(list(carriers), len(bought), p=list(carriers.values()))
    bought["campaign"] = ""
    for campaign in known["campaigns"]:
        inside = day.between(campaign["start"], campaign["end"])
        inside &= rng.random(len(bought)) < campaign["share"]
        bought["campaign"] = bought["campaign"].mask(inside, campaign["name"])
    first = day == day.groupby(bought["customer_id"]).transform("min")
    return bought.assign(
        day=day, lot=bought["product_id"] + "-" + quarter + "-" + half, first=first
    )


def _ask(rng, bought: pd.DataFrame, known: dict[str, Any]) -> list[pd.DataFrame]:
    """Who asks about what, and when; `texts` names the sentences."""
    found = []
    for intent, rule in known["intents"].items():
        chance = rule["rate"] * np.where(bought["first"], rule.get("first", 1.0), 1.0)
        asked = bought[rng.random(len(bought)) < chance]
        found += [_time(rng, asked.assign(intent=intent, texts=intent), rule["days"])]
    for cause in known["causes"]:
        place = next(name for name in PLACES if name in cause)
        hit = bought[(bought[place] == cause[place]) & (bought["first"] | ("first" not in cause))]
        hit = hit[rng.random(len(hit)) < cause["add"]]
        hit = hit.assign(intent=cause["intent"], texts=cause["texts"])
        found += [_time(rng, hit, known["intents"][cause["intent"]]["days"])]
    unseen = known["unseen"]
    late = bought[bought["day"].between(unseen["start"], END)]
    late = late.sample(unseen["enquiries"], random_state=rng)
    named = late.assign(intent=unseen["intent"], texts=unseen["intent"])
    return [*found, _time(rng, named, [0, 5])]


def _time(rng, asked: pd.DataFrame, days: list[int]) -> pd.DataFrame:
    waited = rng.integers(days[0], days[1] + 1, len(asked)) * 1440
    minute = rng.integers(8 * 60, 22 * 60, len(asked))
    return asked.assign(at=asked["day"] + pd.to_timedelta(waited + minute, "min"))


def _write(rng, asked: pd.DataFrame, known: dict[str, Any]) -> pd.DataFrame:
    languages = rng.choice(list(known["language"]), len(asked), p=[*known["language"].values()])
    plain = [n for n, rule in known["intents"].items() if rule["minutes"] < 15]
    texts = []
    for row, language in zip(asked.itertuples(), languages, strict=True):
        text = _fill(rng, known, row.texts, str(language), row.product)
        if rng.random() < known["mixed"]:
            text += _fill(rng, known, str(rng.choice(plain)), str(language), row.product)
        if rng.random() < known["contact"]:
            text += _write_contact(rng)
        texts.append(_mistype(rng, text) if rng.random() < known["typing_error"] else text)
    return asked.assign(text=texts)


def _fill(rng, known: dict[str, Any], name: str, language: str, product: str) -> str:
    def pick(options: list[str]) -> str:
        return options[rng.integers(len(options))]

    core = pick(known["texts"][name][language])
    core = re.sub(r"\[([^\]]*)\]", lambda found: pick(found[1].split("|")), core)
    core = core.replace("{product}", product)
    return pick(known["open"][language]) + core + pick(known["close"][language])


def _write_contact(rng) -> str:
    digits = "".join(map(str, rng.integers(0, 10, 8)))
    facts = {"phone": f"090-{digits[:4]}-{digits[4:]}", "mail": f"user{digits}@example.org"}
    return CONTACTS[rng.integers(len(CONTACTS))].format(**facts)


def _mistype(rng, text: str) -> str:
    """One character dropped, doubled, or swapped with the next."""
    at, kind = int(rng.integers(len(text) - 1)), rng.integers(3)
    wrong = ("", text[at] * 2, text[at + 1] + text[at])[kind]
    return text[:at] + wrong + text[at + (2 if kind == 2 else 1) :]


def _answer(rng, asked: pd.DataFrame, bought: pd.DataFrame, known: dict[str, Any]) -> pd.DataFrame:
    """Who answered, after how long, with how much work, and whether it was solved."""
    n, wait = len(asked), known["wait"]
    late = asked["at"] >= END - pd.Timedelta(days=known["open_days"] - 1)
    waiting = late & (rng.random(n) < known["open_share"])
    works = asked["intent"].map(lambda name: known["intents"].get(name, {}).get("minutes", 8))
    work = np.maximum(np.rint(works * rng.lognormal(0, 0.4, n)), 1)
    minutes = np.rint(wait["median"] * rng.lognormal(0, wait["spread"], n))
    solved = np.where(rng.random(n) < _find_chances(asked, bought, known["solved"]), "yes", "no")
    content = rng.integers(1, 6, n)
    return asked.assign(
        open=waiting,
        channel=rng.choice(list(CHANNELS), n, p=list(CHANNELS.values())),
        answered_by=pd.Series(rng.choice(STAFF, n), index=asked.index).mask(waiting, ""),
        answer_minutes=pd.Series(minutes, index=asked.index).mask(waiting),
        handling_minutes=pd.Series(work, index=asked.index).mask(waiting),
        solved=pd.Series(solved, index=asked.index).mask(waiting, ""),
        satisfaction=pd.Series(content, index=asked.index).where(
            ~waiting & (rng.random(n) < 0.3)
        ),
    )  # fmt: skip


def _find_chances(asked: pd.DataFrame, bought: pd.DataFrame, rule: dict[str, Any]) -> np.ndarray:
    """How likely each enquiry is solved: more so where the customer orders again."""
    own = {name: days.to_numpy() for name, days in bought.groupby("customer_id")["day"]}
    start = asked["at"].dt.normalize() + pd.Timedelta(days=rule["days_after"])
    end = start + pd.Timedelta(days=rule["within"])
    known = zip(asked["customer_id"], start.to_numpy(), end.to_numpy(), strict=True)
    stays = np.array([((own[c] > a) & (own[c] <= b)).any() for c, a, b in known])
    chance = np.where(stays, rule["stays"], rule["leaves"])
    return np.where(end > END, rule["unknown"], chance)
