"""Cards of hypotheses: all of it is there, in its unit, safe, and the same each time."""

from __future__ import annotations

import base64
import datetime as dt
import io
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from ltvkit import periods
from ltvkit.hypotheses import cards
from ltvkit.hypotheses.effects import validity
from ltvkit.hypotheses.effects.validity import Check
from ltvkit.hypotheses.figures import COLUMNS
from ltvkit.hypotheses.hypothesis import Decision, Hypothesis, Record, Target
from ltvkit.hypotheses.texts import TEXTS
from ltvkit.report.pages import notebook_page

NAN = float("nan")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> & \"a\" 'b' $5 $6</div>"
TEXT = "The measure caused a change of +1.70 USD.\nBy its rule: adopt."


@pytest.fixture(autouse=True)
def agg():
    with mpl.rc_context():
        plt.switch_backend("agg")
        yield
        plt.close("all")


def hypothesis(**given) -> Hypothesis:
    known = {
        "id": "win-back", "title": "Win-back mail", "hypothesis": "A coupon brings them back.",
        "owner": "Aya Sato", "department": "CRM", "measure": "One mail with 10% off",
        "target": Target("segment", ("lost",)), "selected": dt.date(2024, 3, 31),
        "start": dt.date(2024, 4, 1), "end": dt.date(2024, 5, 31), "smallest_effect": 1.0,
        "metric": "revenue_per_customer", "comparison": "randomized",
    }  # fmt: skip
    return Hypothesis(**{**known, **given})


def figures(*rows: dict) -> pd.DataFrame:
    known = {
        "metric": "revenue_per_customer", "role": "primary", "before": 12.3, "after": 14.1,
        "control_before": 12.1, "control_after": 12.2, "raw_effect": 1.7, "raw_lowest": 0.4,
        "raw_highest": 3.0, "natural_change": NAN, "effect": 1.7, "lowest": 0.4, "highest": 3.0,
        "relative_effect": 0.138, "p": 0.01, "outcome": "",
    }  # fmt: skip
    return pd.DataFrame([{**known, **row} for row in rows], columns=COLUMNS)


HARMED = {
    "metric": "retention_rate", "role": "guardrail", "before": 0.31, "after": 0.25,
    "control_before": 0.3, "control_after": 0.305, "raw_effect": -0.055, "effect": -0.055,
    "lowest": -0.09, "highest": -0.02, "relative_effect": -0.18, "outcome": "harmed",
}  # fmt: skip
HELD = {
    "metric": "orders_per_customer", "role": "guardrail", "before": 0.41, "after": 0.42,
    "control_before": 0.4, "control_after": 0.405, "raw_effect": 0.005, "effect": 0.005,
    "lowest": -0.02, "highest": 0.03, "relative_effect": 0.012, "outcome": "held",
}  # fmt: skip
CHECKS = pd.DataFrame(
    [
        Check("sample ratio", True, "1,204 treated and 1,198 control customers, p = 0.903"),
        Check("balance", False, "apart by 0.21 standard deviations, p < 0.001"),
        Check("natural change", None, "3 past dates, 6 are needed"),
    ]
)


def timelines(*every: str) -> dict[str, pd.DataFrame]:
    return {e: timeline(e) for e in every or ("day", "week", "month", "year")}


def timeline(every: str, n: int = 8) -> pd.DataFrame:
    first = periods.index_of("2024-01-01", every)
    rows = [
        (periods.label(i, every), periods.start(i, every), group, 10.0 + i - first, False)
        for group in ("treated", "control")
        for i in range(first, first + n)
    ]
    table = pd.DataFrame(rows, columns=["period", "start", "group", "value", "partial"])
    return table.assign(metric="revenue_per_customer")


def card(*, about=None, status="ended", grade="A", verdict="adopt", **given) -> cards.Card:
    known = {"text": TEXT, "timelines": timelines("month"), "currency": "USD"}
    table = given.pop("figures", figures({}, HARMED, HELD))
    evaluation = SimpleNamespace(
        hypothesis=about or hypothesis(),
        status=status,
        grade=grade,
        verdict=verdict,
        table=table,
        primary=table.iloc[0] if len(table) else None,
        checks=given.pop("checks", CHECKS),
        natural=given.pop("natural", pd.DataFrame()),
        extras=given.pop("extras", {"treated": 1204, "control": 1198}),
    )
    return cards.render(evaluation, **{**known, **given})


def draft() -> cards.Card:
    given = {"figures": figures(), "checks": CHECKS.head(0), "timelines": {}, "extras": {}}
    return card(status="draft", verdict="not started", text="Begins on 2024-04-01.", **given)


class Reader(HTMLParser):
    """Elements in their order, each with its attributes, and the words between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list = []
        self.words: list[str] = []
        self.cells: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        elif tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_data(self, data):
        if data.strip():
            self.words.append(data)
            if self.cells and self.cells[-1]:
                self.cells[-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.found if name == tag]


def rows(made: cards.Card) -> list[dict[str, str]]:
    """The rows of the table of figures by the header."""
    table = made.html.split("<caption>Figures")[1].split("</table>")[0]
    header, *body = Reader(table).cells
    return [dict(zip(header, cells, strict=True)) for cells in body]


# what a card says


def test_it_says_who_did_what_when_and_how_it_ended():
    made = card()
    said = " ".join(Reader(made.html).words)
    for words in (
        "Win-back mail", "Verdict: adopt", "Status: waiting for you", "Evidence: A",
        "Aya Sato, CRM",
        "segment lost: 1,204 treated, 1,198 for comparison",
        "One mail with 10% off", "2024-04-01 to 2024-05-31", "A coupon brings them back.",
        "a control group drawn at random", *TEXT.splitlines(),
    ):  # fmt: skip
        assert words in said.replace(":  ", ": "), words
        assert words in made.text, words


def test_the_end_is_the_one_it_was_extended_to_and_the_last_decision_is_told():
    decisions = (
        Decision("extend", dt.date(2024, 5, 1), "too few", until=dt.date(2024, 6, 30)),
        Decision("adopt", dt.date(2024, 7, 2), "It pays & <lasts>"),
    )
    made = card(about=hypothesis(record=Record(decisions=decisions)), status="decided")
    assert "2024-04-01 to 2024-06-30" in made.text
    assert "Decision: 2024-07-02, adopt: It pays & <lasts>" in made.text
    assert "It pays &amp; &lt;lasts&gt;" in made.html
    assert "Decision" not in card(status="running").text


def test_what_ended_without_a_decision_waits_for_one():
    extended = Decision("extend", dt.date(2024, 5, 1), "few", until=dt.date(2024, 6, 30))
    made = card(about=hypothesis(record=Record(decisions=(extended,))), status="ended")
    assert "Decision: waiting for you since 2024-06-30; to record it:" in made.text


@pytest.mark.parametrize(
    ("cost", "said"), [(None, "not declared"), (0.0, "0.00 USD"), (1200.0, "1,200 USD")]
)
def test_the_cost_is_told_or_that_it_was_not_declared(cost, said):
    assert f"Cost: {said}\n" in card(about=hypothesis(cost=cost)).text


def test_whom_it_was_for_is_told_without_naming_anybody():
    alone = card(extras={"treated": 30, "control": 0}).text
    assert "Customers: segment lost: 30" in alone
    listed = hypothesis(target=Target("customers", ("C000001", "C000002")))
    assert "Customers: a list: 1,204 treated" in card(about=listed).text
    assert "C000001" not in card(about=listed).html
    assert "Customers: segment lost. Segments are by scores" in draft().text


def test_each_row_is_in_the_unit_of_its_metric():
    money, share, mean = rows(card())
    assert money == {
        "Metric": "Revenue per customer (USD)", "Role": "main figure", "Effect": "+1.70 (+13.8%)",
        "Likely range (95%)": "+0.40 to +3.00", "Before": "12.30", "After": "14.10",
        "Control before": "12.10", "Control after": "12.20",
    }  # fmt: skip
    assert share == {
        "Metric": "Retention", "Role": "guardrail, harmed", "Effect": "−5.5 pp (−18.0%)",
        "Likely range (95%)": "−9.0 pp to −2.0 pp", "Before": "31.0%", "After": "25.0%",
        "Control before": "30.0%", "Control after": "30.5%",
    }  # fmt: skip
    assert (mean["Before"], mean["Effect"]) == ("0.410", "+0.005 (+1.2%)")
    assert mean["Role"] == "guardrail, held"


def test_amounts_of_a_row_share_their_decimals():
    large = {"before": 998.5, "after": 1200.25, "effect": 12.6, "lowest": -3.2, "highest": 28.4}
    (row,) = rows(card(figures=figures(large)))
    assert (row["Before"], row["Effect"]) == ("998", "+13 (+13.8%)")
    (row,) = rows(card(figures=figures({"lowest": 0.6}), currency="円"))
    assert (row["Metric"], row["After"]) == ("Revenue per customer (円)", "14")
    (row,) = rows(card(figures=figures(HELD | {"before": 1.25, "effect": 0.128})))
    assert (row["Before"], row["Effect"]) == ("1.25", "+0.13 (+1.2%)")


def test_what_is_harmed_or_does_not_hold_stands_out_and_nothing_else():
    marked = card().html.split('<strong class="ltv-card-mark">')[1:]
    assert [m.split("<")[0] for m in marked] == ["guardrail, harmed", "no"]
    assert "ltv-card-mark" not in card(figures=figures({}, HELD), checks=CHECKS.head(1)).html


def test_checks_are_yes_no_or_not_known():
    table = Reader(card().html.split("<caption>Checks")[1].split("</table>")[0])
    assert [cells[:2] for cells in table.cells] == [
        ["Check", "Passed"], ["Group sizes as planned", "yes"], ["Groups alike before", "no"],
        ["Enough past dates", "not known"],
    ]  # fmt: skip
    assert "- Groups alike before; Passed: no; What was found: apart by 0.21" in card().text


def test_columns_that_say_nothing_are_left_out():
    alone = {"control_before": NAN, "control_after": NAN}
    (row,) = rows(card(figures=figures(alone)))
    assert list(row) == ["Metric", "Role", "Effect", "Likely range (95%)", "Before", "After"]


def test_a_natural_change_is_shown_with_the_change_it_is_taken_from():
    taken = {"raw_effect": 2.2, "natural_change": 0.5, "control_before": NAN}
    made = card(figures=figures(taken), about=hypothesis(comparison="same_period_last_year"))
    (row,) = rows(made)
    assert row["Observed change"] == "+2.20"
    assert (row["Change expected anyway"], row["Effect"]) == ("+0.50", "+1.70 (+13.8%)")
    assert row["A year before"] == "12.20"
    assert "effect = observed change less the change expected anyway" in made.html


def test_an_effect_that_is_not_known_is_a_dash_beside_the_change():
    unknown = dict.fromkeys(("effect", "lowest", "highest", "relative_effect", "p"), NAN)
    made = card(figures=figures(unknown), status="running", verdict="still running")
    (row,) = rows(made)
    assert (row["Effect"], row["Likely range (95%)"]) == ("–", "–")
    assert row["Observed change"] == "+1.70"
    assert "– not known" in made.html


def test_a_draft_has_neither_tables_nor_pictures():
    made = draft()
    assert Reader(made.html).all("table") == Reader(made.html).all("details") == []
    assert sorted(made._repr_mimebundle_()) == ["text/html", "text/plain"]
    assert "Verdict: not started" in made.text


def test_words_go_through_the_catalogue(monkeypatch):
    monkeypatch.setattr("ltvkit.hypotheses.cards._", lambda text: f"[{text}]")
    monkeypatch.setattr("ltvkit.hypotheses.card_tables._", lambda text: f"[{text}]")
    monkeypatch.setattr("ltvkit.display.formats._", lambda text: f"[{text}]")
    said = card().html
    for words in (
        "[Dates]",
        "[Month]",
        "[Likely range (95%)]",
        "[main figure]",
        "[Figures]",
        "[Verdict]",
    ):
        assert words in said
    assert said.count("ltv-card-mark") == 2


# safe, and whole on a page


def test_what_people_wrote_is_text():
    named = dict.fromkeys(("id", "title", "hypothesis", "owner", "department", "measure"), HOSTILE)
    checks = pd.DataFrame([Check("registered", True, HOSTILE)])
    given = {"text": HOSTILE, "checks": checks, "currency": HOSTILE}
    made = card(about=hypothesis(**named), **given)
    found = Reader(made.html)
    assert found.all("script") == []
    assert {a["src"][:10] for a in found.all("img")} == {"data:image"}
    assert not any(k.startswith("on") for _tag, attrs in found.found for k in attrs)
    assert sum(HOSTILE in words for words in found.words) >= 5
    assert made.html.count("<div") == made.html.count("</div>")
    assert HOSTILE in made.text


@pytest.mark.parametrize("make", [card, draft])
def test_the_page_keeps_it_whole(make):
    made = make(timelines=timelines()) if make is card else make()
    before, after = Reader(made.html), Reader(notebook_page.clean_html(made.html))
    plain = [
        (tag, {k: v or "" for k, v in attrs.items() if k != "align"}) for tag, attrs in before.found
    ]
    assert after.found == plain
    assert after.words == before.words


def test_the_page_takes_name_and_open_of_details_alone():
    html = '<p name="a" open="">x</p><img name="b" src="data:image/png;base64,AA==">'
    assert notebook_page.clean_html(html) == '<p>x</p><img src="data:image/png;base64,AA==">'
    kept = '<details name="a" open=""><summary>x</summary></details>'
    assert notebook_page.clean_html(kept) == kept
    assert "ontoggle" not in notebook_page.clean_html('<details ontoggle="x()" open="">x</details>')


# pictures


def test_one_timeline_is_open_at_a_time_and_the_month_is_first():
    details = Reader(card(timelines=timelines()).html).all("details")
    assert [d["name"] for d in details] == ["ltv-card-win-back"] * 4
    assert ["open" in d for d in details] == [False, False, True, False]
    summaries = card(timelines=timelines()).html.split("<summary>")[1:]
    assert [s.split("<")[0] for s in summaries] == ["Day", "Week", "Month", "Year"]


def test_without_months_the_first_is_open_and_empty_ones_are_left_out():
    given = timelines("week", "year") | {"day": timeline("day", 0)}
    made = card(timelines=given)
    assert ["open" in d for d in Reader(made.html).all("details")] == [True, False]
    assert "image/png" not in made._repr_mimebundle_()


def test_replays_are_one_more_picture():
    past = {"back": [70, 35], "start": [19000, 19035], "change": [0.5, 0.9], "se": [0.2, 0.3]}
    made = card(natural=pd.DataFrame(past | {"customers": [80, 90]}))
    assert [s.split("<")[0] for s in made.html.split("<summary>")[1:]] == ["Month", "Past dates"]


def test_each_picture_is_named_and_moderate():
    made = card(timelines=timelines())
    pictures = Reader(made.html).all("img")
    assert [p["alt"].rpartition(" ")[2] for p in pictures] == ["day", "week", "month", "year"]
    for picture in pictures:
        data = base64.b64decode(picture["src"].partition("base64,")[2])
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("PNG", (720, 256))
            assert not {"Software", "Creation Time", "date"} & set(image.info)
        assert len(data) < 30_000
    assert made.png in pictures[2]["src"]


def test_it_is_the_same_each_time_and_leaves_no_figure_open():
    mine = plt.figure()
    settings = mpl.rcParams.copy()
    assert card(timelines=timelines()) == card(timelines=timelines())
    assert plt.get_fignums() == [mine.number]
    assert plt.gcf() is mine
    assert {k for k, v in mpl.rcParams.items() if settings[k] != v} == set()


# text and decks


def test_text_is_readable_by_itself():
    made = card()
    assert repr(made) == made.text == made._repr_mimebundle_()["text/plain"]
    first, second, *rest = made.text.splitlines()
    assert (first, second) == (
        "Win-back mail",
        "Verdict: adopt, Status: waiting for you, Evidence: A",
    )
    assert not any("</" in line for line in rest)
    assert (
        "- Revenue per customer (USD); Role: main figure; Effect: +1.70 (+13.8%); "
        "Likely range (95%): +0.40 to +3.00; Before: 12.30; After: 14.10; "
    ) in made.text


def test_joined_cards_are_all_shown():
    first, second = card(), card(about=hypothesis(id="other", title="Other"))
    bundle = cards.join([first, second])._repr_mimebundle_()
    assert bundle["text/html"] == f"{first.html}\n{second.html}"
    assert bundle["image/png"] == first.png
    assert bundle["text/plain"] == f"{first.text}\n\n\n{second.text}"
    assert cards.join([draft(), first])._repr_mimebundle_()["image/png"] == first.png


def test_no_card_is_said_to_be_none():
    words = "There is no hypothesis to show."
    bundle = cards.join([])._repr_mimebundle_()
    assert bundle == {"text/html": f"<p>{words}</p>", "text/plain": words}


def test_the_page_has_plainer_words_than_the_file_of_checks():
    found = {
        "robustness": "drawn anew, +1.0 pp to +7.8 pp; knowing the time before saved 11% of the "
        "variance",
        "registered": "on 2024-03-31, by the start",
    }
    checks = pd.DataFrame([Check(name, True, text) for name, text in found.items()])
    said = card(checks=checks).text
    assert (
        "observed change when re-sampled: +1.0 pp to +7.8 pp; earlier purchases explain 11% of"
        in said
    )
    assert "on 2024-03-31, before the start" in said


def test_every_check_has_a_plain_name():
    names = ("RATIO", "BALANCE", "TREND", "ROBUST", "SIZE", "OTHERS", "NATURAL", "REGISTERED")
    names += ("OUTCOMES",)
    assert {getattr(validity, name) for name in names} == set(TEXTS["check_names"])


def test_a_card_says_that_segments_are_drawn_by_scores_alone():
    """On the RFM page facts bound the names, so the same customer may have another one there."""
    words = "for comparison. Segments are by scores alone here; on the RFM page the days since"
    assert words in card().text
    other = card(about=hypothesis(target=Target("decile", ("1",)))).text
    assert "by scores alone" not in other
    both = hypothesis(target=Target("decile", ("1",)), control=Target("segment", ("loyal",)))
    assert "by scores alone" in card(about=both).text
