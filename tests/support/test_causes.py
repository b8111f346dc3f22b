"""Causes: phrases by hand, log-odds by their formula, planted causes, the null, and privacy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from stub_enquiries import AS_OF, make_enquiries, read_orders, read_sample

from ltvkit import support
from ltvkit.errors import ColumnError, TooLittleData
from ltvkit.support import causes, phrases


@pytest.fixture(scope="module")
def asked():
    return support.name_products(read_sample(), read_orders().lines)


@pytest.fixture(scope="module")
def found(asked):
    return support.find_causes(asked, as_of=AS_OF)


def find_row(table, place, group):
    rows = table[(table["place"] == place) & (table["group"] == group)]
    assert len(rows) == 1
    return rows.iloc[0]


# --- phrases


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("商品が届きません", {"商品", "商品が届き", "届きません"}, {"品が", "商品が", "届"}),
        ("クーポンの使い方", {"クーポン", "使い方"}, {"クーポ", "ーポン", "クーポンの"}),
        (
            "My parcel is late.",
            {"parcel", "late", "parcel is late"},
            {"my", "is late", "my parcel"},
        ),
        ("注文 S0001234 の件、090-1234-5678", {"注文"}, {"s0001234", "5678"}),
        ("mail me: taro.yamada@example.org", {"mail"}, {"taro", "yamada", "example"}),
    ],
)
def test_pieces_of_a_text(text, inside, outside):
    pieces = phrases.split(text)
    assert inside <= pieces
    assert not outside & pieces


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ドライバー鬼塚正雄さんの態度", {"態度"}),
        ("配達の鬼塚 正雄様が", {"配達"}),
        ("ｵﾆﾂﾞｶさまの電話", {"電話"}),
        ("担当さくらさんへ。破損", {"破損"}),
        ("鬼塚君、鬼塚氏、鬼塚ちゃんと、鬼塚殿", set()),
        ("Your driver Mr. Masao Onizuka shouted", {"driver", "shouted"}),
        ("dr onizuka shouted", {"shouted"}),
        ("MS. O'Neill-Smith shouted", {"shouted"}),
        (
            "模様と仕様と氏名",
            {"模様", "仕様", "氏名", "模様と仕様", "仕様と氏名", "模様と仕様と氏名"},
        ),
        ("商品がちゃんと", {"商品"}),
        ("赤ちゃん", {"赤ちゃん"}),
    ],
)
def test_who_is_addressed_is_taken_out(text, left):
    pieces = phrases.split(text)
    assert left <= pieces
    for piece in pieces:
        assert not any(part in piece.casefold() for part in ("鬼塚", "正雄", "masao", "onizuka"))
        assert not any(part in piece for part in ("オニヅカ", "さくら", "neill", "smith"))
    if left <= {"態度", "電話", "破損", "shouted"}:
        assert pieces == left


def test_a_name_that_many_customers_write_is_no_phrase():
    texts = ["ドライバー鬼塚正雄さんに大声で怒鳴られ"] * 30
    found = phrases.find(texts, customers=pd.Series([f"c{n}" for n in range(30)])).names
    assert found
    assert not any("鬼" in name or "正雄" in name for name in found)


def test_the_product_is_taken_out():
    assert "face oil" in phrases.split("the Face oil leaks")
    assert phrases.split("the Face oil leaks", names=("Face oil",)) == {"leaks"}


@given(st.text(alphabet="漏れキャップが届 abcx.、0123@-", max_size=40))
@settings(deadline=None, max_examples=100)
def test_no_piece_holds_a_digit_or_an_end_of_sentence(text):
    for piece in phrases.split(text):
        assert not any(c.isdigit() or c in "@.、" for c in piece)
        assert piece == piece.strip()


def test_a_phrase_of_four_customers_is_none_whoever_writes_it_how_often():
    texts = ["キャップが破裂"] * 8
    for who, kept in ((list("abcdefgh"), True), (list("abcdabcd"), False), ([None] * 8, False)):
        held = phrases.find(texts, customers=pd.Series(who, dtype=object)).names
        assert (held == ["キャップが破裂"]) == kept


def test_of_pieces_of_the_same_enquiries_the_longest_is_kept():
    texts = ["ボトルから液漏れ"] * 6 + ["液漏れ"] * 6
    kept = phrases.find(texts, customers=pd.Series([f"c{n}" for n in range(12)])).names
    assert kept == ["ボトルから液漏れ", "液漏れ"]


# --- log-odds


def test_z_is_that_of_the_published_formula():
    """Monroe, Colaresi and Quinn (2008), equations 15, 18 and 22, written out for two groups."""
    inside, whole = np.array([[8.0, 2.0]]), np.array([10.0, 30.0])
    alpha, prior = 0.1 * whole, 0.1 * whole.sum()
    z = causes._score(inside, whole)
    for w in (0, 1):
        y, rest = inside[0, w], whole[w] - inside[0, w]
        odds = [np.log((y + alpha[w]) / (10 + prior - y - alpha[w])),
                np.log((rest + alpha[w]) / (30 + prior - rest - alpha[w]))]  # fmt: skip
        error = np.sqrt(1 / (y + alpha[w]) + 1 / (rest + alpha[w]))
        assert z[0, w] == pytest.approx((odds[0] - odds[1]) / error)


def test_a_table_by_hand():
    """Of 20 enquiries about A 12 hold the phrase, of 40 others 3; a customer counts once."""
    held = np.r_[np.ones(12), np.zeros(8), np.ones(3), np.zeros(37)]
    table = pd.DataFrame({"customer_id": [f"c{n}" for n in range(60)], "enquiry_id": range(60)})
    groups = np.array(["A"] * 20 + ["B"] * 40, dtype=object)
    one = phrases.Phrases(["x", "y"], sparse.csr_matrix(np.column_stack([held, np.ones(60)])))
    row = causes.compare(one, table, groups).set_index(["group", "phrase"]).loc[("A", 0)]
    exact = stats.hypergeom.sf(11, 60, 15, 20)
    assert row["p"] == pytest.approx(max(exact, stats.norm.sf(row["z"])))
    assert row["tried"] == 4
    again = pd.concat([table, table.iloc[:12]], ignore_index=True)
    twice = phrases.Phrases(one.names, sparse.vstack([one.held, one.held[:12]]).tocsr())
    more = causes.compare(twice, again, np.r_[groups, groups[:12]])
    assert more.set_index(["group", "phrase"]).loc[("A", 0), "z"] == pytest.approx(row["z"])


def test_q_counts_all_pairs_that_were_tried():
    pairs = pd.DataFrame({"group": "g", "phrase": range(3), "z": 5.0, "p": [1e-6, 1e-3, 0.04]})
    rows = causes._adjust([pairs.assign(tried=100, place="lot")], 0.2)
    assert rows["q"].tolist() == pytest.approx([1e-4, 0.05])


# --- the sample


def test_the_planted_causes_are_found_and_no_other(found):
    """The guide of one product is in `find_guides`; the app is an intent that nobody has named."""
    table = found.table
    assert set(zip(table["place"], table["group"], strict=True)) == {
        ("carrier", "Tsubame"), ("campaign", "spring-gift"), ("lot", "P008-2024Q3-B"),
        ("quarter", "2024-Q3"),
    }  # fmt: skip
    leak = find_row(table, "lot", "P008-2024Q3-B")
    assert "キャップから" in leak["phrases"]
    assert "Face oil" in leak["also"]
    assert leak["intent"] == "damaged"
    assert find_row(table, "carrier", "Tsubame")["intent"] == "delivery_status"
    assert find_row(table, "campaign", "spring-gift")["intent"] == "coupon"
    assert "ログイン" in find_row(table, "quarter", "2024-Q3")["phrases"]


def test_what_is_new_this_quarter(asked):
    table = support.find_rising(asked, as_of=AS_OF).table
    app = table[table["phrases"].str.contains("ログイン")].iloc[0]
    assert app["kind"] == "new"
    assert app["share_of_others"] == 0
    leak = table[table["phrases"].str.contains("キャップ")].iloc[0]
    assert leak["kind"] in ("new", "rising")
    assert support.find_rising(asked, as_of="2023-12-31").table.empty


def test_figures_of_a_cause_add_up(found, asked):
    for n, row in enumerate(found.table.to_dict("records"), start=1):
        listed = found.enquiries[found.enquiries["cause"] == n]
        assert len(listed) == row["with_phrase"]
        assert listed["customer_id"].nunique() == row["customers"]
        if row["place"] != "quarter":
            member = (asked[row["place"]] == row["group"]).sum()
            assert row["share"] == pytest.approx(row["with_phrase"] / member)
            assert row["extra_a_year"] > 0


def test_all_engines_and_any_order_of_rows_give_the_same(on, found):
    shuffled = read_sample().sample(frac=1, random_state=2).reset_index(drop=True)
    named = support.name_products(on(shuffled), on(read_orders().lines))
    again = support.find_causes(named, as_of=AS_OF)
    pd.testing.assert_frame_equal(again.table, found.table)
    pd.testing.assert_frame_equal(again.enquiries, found.enquiries, check_dtype=False)


def test_of_shuffled_products_no_cause_is_found(asked):
    """25 shuffles of products, lots, carriers and campaigns; `bench_support.py` makes 200."""
    table = causes.read(asked, as_of=AS_OF, by=())
    held = phrases.find(table["text"], customers=table["customer_id"], names=table["product"])
    rng, hits = np.random.default_rng(1), 0
    for _run in range(25):
        order = rng.permutation(len(table))
        pairs = [
            causes.compare(held, table, table[place].to_numpy(dtype=object)[order])
            for place in ("product", "lot", "carrier", "campaign")
        ]
        hits += len(causes._adjust([p.assign(place="x") for p in pairs], 0.05)) > 0
    assert hits <= 2


def test_a_cause_planted_in_shuffled_enquiries_is_found(asked):
    rng = np.random.default_rng(2)
    table = asked.assign(lot=rng.permutation(asked["lot"].to_numpy()))
    large = table["lot"].value_counts().index[0]
    some = table.index[table["lot"] == large][:25]
    table.loc[some, "text"] = table.loc[some, "text"] + "ラベルが剥がれています。"
    found = support.find_causes(table, as_of=AS_OF, by=["lot"]).table
    assert (found["place"] + found["group"]).tolist() == [f"lot{large}"]
    assert "ラベルが剥がれ" in found["phrases"].iloc[0]


# --- privacy


def test_nothing_of_people_and_nothing_of_four_customers_is_shown():
    filler = [(f"f{n}", "2024-01-05", "配送状況を教えてください", "B") for n in range(200)]
    secret = "田中花子の秘密の相談 a@example.org 090-1111-2222"
    few = [(f"s{n % 4}", "2024-02-01", secret, "A") for n in range(12)]
    many = [
        (f"m{n}", "2024-02-01", f"連絡先は user{n}@example.org 容器が割れています", "A")
        for n in range(30)
    ]
    table = make_enquiries(*filler, *few, *many, columns=("product_id",))
    found = support.find_causes(table, as_of="2024-03-31").table
    said = " ".join(found["phrases"])
    assert "容器が割れて" in said
    for part in ("田中", "花子", "秘密", "example", "1111", "user"):
        assert part not in said
    assert (found["customers"] >= 5).all()


def test_enquiries_without_a_customer_are_no_people():
    filler = [(f"f{n}", "2024-01-05", "配送状況を教えてください", "B") for n in range(200)]
    nobody = [(None, "2024-02-01", "容器が割れています", "A") for n in range(15)]
    four = [(f"m{n % 4}", "2024-02-01", "容器が割れています", "A") for n in range(8)]
    others = [(f"o{n}", "2024-02-01", "配送状況を教えてください", "A") for n in range(10)]
    shop, rule = {"columns": ("product_id",)}, {"as_of": "2024-03-31", "by": ["product_id"]}
    found = support.find_causes(make_enquiries(*filler, *nobody, **shop), **rule)
    assert found.table.empty
    some = make_enquiries(*filler, *nobody, *four, *others, **shop)
    assert "A" not in support.find_causes(some, **rule).table["group"].tolist()
    nine = [(f"n{n}", "2024-02-01", "容器が割れています", "A") for n in range(9)]
    table = make_enquiries(*filler, *nobody, *nine, *others, **shop)

    def find_named(intent):
        found = support.find_causes(table.assign(intent=intent), **rule)
        return find_row(found.table, "product_id", "A")

    intent = ["damaged" if n in (200, 201, 202, 215, 216) else None for n in range(len(table))]
    row = find_row(
        support.find_causes(table.assign(intent=intent), **rule).table, "product_id", "A"
    )
    assert (row["with_phrase"], row["customers"], row["intent"]) == (24, 9, "")
    assert row["share"] == pytest.approx(24 / 34)
    intent = ["damaged" if 214 < n < 220 else None for n in range(len(table))]
    row = find_row(
        support.find_causes(table.assign(intent=intent), **rule).table, "product_id", "A"
    )
    assert row["intent"] == "damaged"


def test_pairs_count_as_tried_where_none_is_shown():
    held = sparse.csr_matrix(np.r_[np.ones(4), np.zeros(16), np.ones(1), np.zeros(19)][:, None])
    table = pd.DataFrame({"customer_id": [f"c{n}" for n in range(40)], "enquiry_id": range(40)})
    groups = np.array(["A"] * 20 + ["B"] * 20, dtype=object)
    rows = causes.compare(phrases.Phrases(["x"], held), table, groups)
    assert rows["tried"].tolist() == [2]
    other = pd.DataFrame({"group": "g", "phrase": [0], "z": 5.0, "p": [0.01], "tried": 1})
    alone, both = ([other.assign(place="lot")], [other.assign(place="lot"), rows.assign(place="x")])
    assert causes._adjust(alone, 0.2)["q"].tolist() == pytest.approx([0.01])
    assert causes._adjust(both, 0.2)["q"].tolist() == pytest.approx([0.03])


# --- too little


def test_few_enquiries_and_missing_columns():
    few = make_enquiries(*[("a", "2024-01-01", "割れた")] * 10)
    with pytest.raises(TooLittleData, match="takes 50 enquiries, and there are 10"):
        support.find_causes(few, as_of=AS_OF)
    with pytest.raises(ColumnError, match="lot"):
        support.find_causes(few, as_of=AS_OF, by=["lot"])
    same = make_enquiries(*[(f"c{n}", "2024-01-01", "割れた") for n in range(60)])
    assert support.find_causes(same, as_of=AS_OF).table.empty
