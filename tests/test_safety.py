"""What SECURITY.md promises, one by one; pages as a browser opens them are in test_browser."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import re
import unicodedata

import bleach
import matplotlib as mpl
import mistune
import openpyxl
import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from stub_project import HOME, make, write_params

from ltvkit import abc_classes, cohorts, orders
from ltvkit.config import params
from ltvkit.config.notebooks import find_notebooks
from ltvkit.core import csv_injection, notices, people, pseudonyms, redaction
from ltvkit.display import plots, tables
from ltvkit.engines import connection, frames
from ltvkit.errors import LtvkitError, ParamsError, ReportError
from ltvkit.hypotheses.registry import lists, store
from ltvkit.ingest.readers import remote
from ltvkit.quality import summary
from ltvkit.report import plan, results
from ltvkit.report.pages import all_reports, front_page, notebook_page, workbook
from ltvkit.report.publishing import publish
from ltvkit.report.runner import outcome, workers

pass

KEY = "0123456789abcdef0123456789abcdef"
FORMULAS = [
    "=1+1", "+1+cmd", "-2+3", "-", "@SUM(A1)", "\t=1", "\rx", "\nx", "\0=1", " =1",
    '"=1', "\ufeff=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "'=1", "''=1",
    "-1e9=", "=cmd|'/c calc'!A0",
]  # fmt: skip
HARMLESS = ["", "-5", "+5", "-1,200.50", "'tis", "a=b", "C-1", "1-2", "\N{MINUS SIGN}5", "'-5"]
NASTY = [
    "<script>x()</script>",
    "$x^$",
    "$\\frac{$",
    "a_b^\\",
    "nul\0nul",
    "\u202eevil",
    "y" * 9999,
]


# Spreadsheets


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_could_take_for_a_formula_is_text(text, tmp_path):
    table = pd.DataFrame({text: [text], "n": [-1.5]})
    if text != "-":  # can do nothing, like a number
        assert csv_injection.escape(text) == f"'{text}"
    results.save(str(tmp_path), page="p", tables={"t": table}, lists={"l": table})
    for name in ("tables/t.csv", "lists/l.csv"):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert rows == [[csv_injection.escape(text), "n"], [csv_injection.escape(text), "-1.5"]]
    workbook.write({"t": table}, tmp_path / "t.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["t"]
    for cell in (sheet["A1"], sheet["A2"]):
        assert cell.data_type == "s"
        assert cell.quotePrefix == (text != "-")
    assert (sheet["B2"].value, sheet["B2"].data_type) == (-1.5, "n")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_as_it_is(text):
    assert csv_injection.escape(text) == csv_injection.unescape(text) == text


@given(st.text("'=+-@\t\r\n \",;0a\uff1d", max_size=6))
def test_the_kit_reads_back_what_it_wrote(text):
    written = csv_injection.escape(text)
    assert csv_injection.unescape(written) == text
    assert not csv_injection.is_armed(written) or written.startswith("'")


def test_a_formula_among_categories_is_disarmed():
    table = csv_injection.escape_table(pd.DataFrame({"a": pd.Categorical(["=x", "b"])}))
    assert table["a"].tolist() == ["'=x", "b"]


def test_tables_come_back_with_their_texts_and_names(tmp_path):
    texts = [t for t in [*FORMULAS, *HARMLESS] if t]
    table = pd.DataFrame({"=name": texts, "amount": -1.0, "day": pd.Timestamp("2024-01-05")})
    results.save(str(tmp_path), page="p", tables={"t": table})
    found = results.load(tmp_path).tables["t"]
    assert found["=name"].tolist() == texts
    assert found["amount"].eq(-1.0).all()


def test_lists_of_a_register_are_disarmed_and_read_back(tmp_path):
    """One that was drawn, or copied from a report."""
    (tmp_path / "lists").mkdir()
    drawn = pd.DataFrame({"customer_id": ["=1+1", "-7", "x"]})
    csv_injection.escape_table(drawn).to_csv(tmp_path / "lists" / "a.csv", index=False)
    assert "'=1+1" in (tmp_path / "lists" / "a.csv").read_text()
    assert lists.read_customers(tmp_path, "lists/a.csv") == ("=1+1", "-7", "x")


# Pages


@pytest.mark.parametrize("text", NASTY)
def test_text_from_data_cannot_leave_its_place(text):
    shown = tables.show(pd.DataFrame({"product": [text], text: [1]}), caption=text)
    assert "<script" not in notebook_page.clean_html(shown._repr_html_())
    assert "<script" not in shown._repr_html_()
    assert "<script" not in notebook_page.render_markdown(text)
    assert not set("\0\u202e") & set(
        shown.body[0][0] + repr(shown) + front_page.escape_markdown(text)
    )
    assert len(shown.body[0][0]) <= 300


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="//example.com/a.html">a</a>', "<a>a</a>"),
        ('<a href="01_rfm.html#top">a</a>', '<a href="01_rfm.html#top">a</a>'),
        ('<img src="https://example.com/a.png" alt="a">', '<img alt="a">'),
        ('<img src="data:text/html,x">', "<img>"),
        ('<p style="color:red;position:fixed">a</p>', '<p style="color:red">a</p>'),
        ('<p style="color:URL(//example.com)">a</p>', '<p style="">a</p>'),
        (r'<p style="color:\75rl(//example.com)">a</p>', '<p style="">a</p>'),
        ("<style>p { color: red }</style>a<script>x()</script>", "a"),
        ('<svg onload="x()"><style><img src=x onerror=x()></style></svg>a', "<img>a"),
        ("<!-- a -->b<iframe src=//example.com></iframe><form>c</form>", "bc"),
        (
            "<math><mtext><b onclick=x()>a</b></mtext></math>",
            "<math><mtext><b>a</b></mtext></math>",
        ),
    ],
)
def test_what_leads_out_of_a_page_is_taken_out(html, kept):
    assert notebook_page.clean_html(html) == kept


LINKS = [
    "https://evil.example/x",
    "HTTP://evil.example",
    "www.evil.example",
    "www.1evil.com",
    "evil.example",
    "shop-1.evil.co.jp/path?q=1",
    "evil.рф",
    "ｗｗｗ．ｅｖｉｌ．ｃｏｍ",
    "evil。com",
    "evil\u200b.com",
    "me@evil.example",
    "mailto:me",
    "tel:+81312345678",
    "file:///etc/passwd",
    "\\\\nas\\share",
    "192.168.0.1",
    "@everyone",
    "#general",
    "a,b.com(c.com)",
]


@pytest.mark.parametrize("text", LINKS)
def test_no_mail_or_chat_program_finds_an_address_in_text_from_data(text):
    """As Markdown with addresses, as text, and as what two linkifiers make of the result."""
    shown = front_page.escape_markdown(f"Sold {text}, 3.5x, 1,200.50. `columns:` of a/b.yaml")
    assert shown.endswith(", 3.5x, 1,200.50. `columns:` of a/b.yaml")
    html = mistune.create_markdown(plugins=["url"])(shown)
    plain = re.sub(r"<[^>]+>", "", html).replace("b.yaml", "")
    assert "<a " not in html + bleach.linkify(html, parse_email=True)
    assert not re.search(
        r"[\w-][.\uff0e\u3002][^\W\d]|\w:[/\w+]|www\.\S|\d\.\d+\.\d|[@#]\w|\\\\\w", plain
    )


def test_text_in_plots_is_no_formula_and_has_its_length():
    rows = [(f"c{n}", f"o{n}", "2024-01-05", 10.0, NASTY[n % len(NASTY)]) for n in range(14)]
    table = cohorts.build(make_lines(*rows, extra=("channel",)), as_of="2024-03-31", by="channel")
    drawn = [plots.triangle(cohorts.retention(table), title=NASTY[1])]
    drawn += [plots.ltv_curves(cohorts.ltv(table), currency=NASTY[2])]
    for ax in drawn:
        ax.figure.canvas.draw()
        texts = ax.figure.findobj(mpl.text.Text)
        assert not any(text.get_parse_math() for text in texts)
        assert max(len(text.get_text()) for text in texts) < 60
        assert any("$x^$" in text.get_text() for text in texts)
        plt.close(ax.figure)


def test_people_and_secrets_are_masked_in_pictures_and_where_texts_are_cut(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "open sesame, and more of it")
    names = ["ask hanako.yamada@mail.example.org", "of open sesame, and more of it"]
    table = pd.DataFrame({"cohort": names, "age_months": 0, "customers": 9, "retention": 1.0})
    wide = pd.DataFrame({"cohort": names, "customers": [9, 9], 0: [1.0, 1.0], 1: [0.5, 0.5]})
    ax = plots.triangle(wide)
    ax.figure.canvas.draw()
    drawn = " ".join(text.get_text() for text in ax.figure.findobj(mpl.text.Text)) + ax.figure.alt
    plt.close(ax.figure)
    long = table.assign(cohort=["x" * 280 + f" {name}" for name in names])
    shown = tables.show(long)._repr_html_() + repr(tables.show(long))
    for text in (drawn, shown):
        assert "***" in text
        assert "hanako" not in text
        assert "sesame" not in text


def test_pages_say_that_they_need_no_script():
    layout = (HOME / "ltvkit/report/pages/templates/layout.html.j2").read_text("utf-8")
    assert "default-src 'none'; img-src data:" in layout


# Params, names and places


@pytest.mark.parametrize(
    "line",
    [
        "title: AKIA" + "ABCDEFGHIJKLMNOP",
        "source: postgresql://me:hunter22@db/shop",
        'source: "postgresql://db/shop?password=hunter22"',
        "password: hunter22",
        "columns: {channel: ch}\npolicies: {dbPassword: hunter22}",
        "api_key: hunter22",
        "access-token: [hunter22]",
        'title: "-----BEGIN RSA PRIVATE KEY-----"',
    ],
)
def test_a_secret_in_params_is_refused_and_not_repeated(line, tmp_path):
    root = make(tmp_path)
    path = root / "params" / "stub.yaml"
    path.write_text(f"shop: stub\n{'' if 'source' in line else 'source: a.csv'}\n{line}\n", "utf-8")
    with pytest.raises(ParamsError, match="environment variable") as caught:
        params.load(path, sorted((root / "notebooks").glob("*.ipynb")))
    assert "hunter22" not in str(caught.value)
    assert re.search(r"line \d", str(caught.value))


def test_what_only_sounds_like_a_secret_is_not_one(tmp_path):
    root = make(tmp_path)
    write_params(root, title="The secret token", columns="{channel: password}", source="a/b@c.csv")
    assert params.load(root / "params" / "stub.yaml", sorted((root / "notebooks").glob("*.ipynb")))


@pytest.mark.parametrize("header", ["E-mail", "氏名", "Phone number", "Ｅｍａｉｌ", "住所"])
def test_a_column_that_names_people_is_not_mapped(header):
    raw = pd.DataFrame({"customer_id": ["1"], "order_date": "2024-01-05", "amount": 1, header: "x"})
    with pytest.raises(ParamsError, match="is personal data"):
        orders.read(raw, columns={"contact": header})
    with pytest.raises(ParamsError, match="is personal data"):
        orders.read(raw, columns={"channel": header})
    assert len(orders.read(raw, columns={"customer_id": header}).lines) == 1


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", "..", ".x", "", "x\0", "/etc/x", "C:x", "x" * 101, "x\n"]
)
def test_a_table_never_leaves_its_folder(name, tmp_path):
    for kind in ("tables", "lists"):
        kept = {"tables": {}, kind: {name: pd.DataFrame({"a": [1]})}}
        with pytest.raises(ReportError, match="cannot name a file"):
            results.save(str(tmp_path / "out"), page="p", **kept)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "linked", ["stub", "stub/1998-06", "stub/.failed", "stub/.work", "stub/.preview"]
)
def test_a_link_does_not_lead_out_of_reports(linked, tmp_path, monkeypatch):
    home, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / linked).parent.mkdir(parents=True)
    (home / linked).symlink_to(elsewhere)
    monkeypatch.setenv("LTVKIT_REPORTS", str(home))
    place = publish.Place("stub", "1998-06")
    with pytest.raises(ReportError, match="leads out of"), place.locked():
        pass
    with pytest.raises(ReportError, match="leads out of"):
        publish.record_failure(place, "why")
    assert list(elsewhere.iterdir()) == []
    (tmp_path / "more").symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "more"))  # reports/ itself may be a link
    with place.locked():
        pass


def test_a_register_is_inside_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    (tmp_path / "out").symlink_to("/")
    for path in ("../elsewhere", "/etc", "out/etc", "~"):
        with pytest.raises(ParamsError, match="leads out of the project"):
            store.folder("tea", path)
    assert store.folder("tea", "mine/tried") == tmp_path / "mine" / "tried"


@pytest.mark.parametrize("month", ["../1998-06", "1998-06/..", "1998-6", "１９９８-06", "1998-1\n"])
def test_a_month_is_no_path(month):
    with pytest.raises(ParamsError, match="is not a month"):
        params.check_month(month)


# Sources


@pytest.mark.parametrize(
    "source",
    [
        "http://a.b/c.csv", "HTTPS://a.b", " ftp://a.b", "s3://b/k", "gs://b/k", "az://b",
        "hdfs://h/p", "hf://datasets/x", "\\\\nas\\share\\a.csv", "//nas/share/a.csv", "md:shop",
        "file://nas/a.csv",
        "postgresql://db.example.org/shop", "postgres://localhost,db2/shop", "mysql://localhost/shop",
        "postgresql://localhost/shop?host=db2", "postgresql:///shop?service=x",
        "postgresql://[2001::1]/x",
        "postgresql://localhost@db2/shop", "https:/a.b/c",
        "postgresql://localhost?@db2/shop", "postgresql://localhost#@db2/shop",
        "postgresql://localhost?x=/@db2/shop&host=db2",
        "postgresql://127.0.0.1:5432,db2:5432/shop",
    ],
)  # fmt: skip
def test_a_source_elsewhere_is_refused_unless_declared(source, monkeypatch):
    monkeypatch.delenv("PGHOST", raising=False)
    with pytest.raises(ParamsError, match="remote: true"):
        remote.refuse_remote(source, allowed=False)
    remote.refuse_remote(source, allowed=True)


@pytest.mark.parametrize(
    "source",
    [
        "orders.csv", "/data/a.csv", "C:\\a.csv", "C:/a.csv", "demo:cdnow", "file:///a.csv",
        "file://localhost/a.csv", "sqlite:///shop.db", "postgresql:///shop", "exports/2024-*.csv",
        "postgresql://me@localhost:5432/shop", "postgresql://%2Fvar%2Frun/shop", "注文:2024.csv",
        "postgresql://[::1]:5432/shop", "postgresql://127.0.0.1/x?host=/tmp",
    ],
)  # fmt: skip
def test_what_is_on_this_machine_is_read(source, monkeypatch):
    monkeypatch.delenv("PGHOST", raising=False)
    remote.refuse_remote(source, allowed=False)


def test_the_environment_can_make_a_database_remote(monkeypatch):
    monkeypatch.setenv("PGHOST", "db.example.org")
    assert remote.is_remote("postgresql:///shop")
    monkeypatch.setenv("PGHOST", "/tmp,db.example.org")  # libpq tries one after another
    assert remote.is_remote("postgresql:///shop")
    assert remote.is_remote("postgresql://%2Ftmp%2Cdb.example.org/shop")
    assert not remote.is_remote("postgresql://localhost/shop")  # which says it itself
    for name in ("PGHOSTADDR", "PGSERVICE"):  # libpq goes there in spite of it
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(name, "203.0.113.5")
            assert remote.is_remote("postgresql://localhost/shop")


@pytest.mark.parametrize("allowed", [True, False])
def test_an_address_with_a_password_is_refused(allowed):
    for source in ("postgresql://me:hunter22@localhost/x", "https://a.b/c?sig=hunter22"):
        with pytest.raises(ParamsError, match="environment variable") as caught:
            remote.refuse_remote(source, allowed=allowed)
        assert "hunter22" not in str(caught.value)


def test_duckdb_reads_no_address_and_fetches_no_code():
    opened = connection.connect()
    for address in ("https://attack.invalid/a.parquet", "s3://attack/a.csv"):
        with pytest.raises(Exception, match="requires the extension httpfs"):
            opened.sql(f"from '{address}'")
    settings = "name like 'auto%_known_extensions' or name = 'allow_community_extensions'"
    found = opened.sql(f"select value from duckdb_settings() where {settings}").fetchall()
    assert found == [("false",)] * 3


# Who customers are


def test_stored_outputs_name_no_customer():
    """No id of a sample, and no e-mail, in what the committed notebooks show."""
    seen = ""
    for path in sorted((HOME / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                data = output.get("data", {})
                kept = [x for kind, x in data.items() if not kind.startswith("image/")]
                seen += "\n".join("".join(x) for x in [*kept, output.get("text", [])])
    seen = re.sub(r"data:image/png;base64,[\w+/=]+", "", seen)
    assert len(seen) > 10_000
    assert not re.findall(r"[\w.+-]+@[\w-]+\.\w+", seen)
    # cdnow: 00001 to 23570; shop: C000001 on. Numbers that are shown have their commas.
    ids = re.compile(r"(?<![\w.,#&])(?:0\d{4}|1\d{4}|2[0-3]\d{3}|C\d{6})(?![\w.,%])")
    assert not ids.findall(seen)


def test_a_failure_on_record_names_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path))
    monkeypatch.setenv("SHOP_API_KEY", "hunter22-and-more")
    said = "Could not convert string 'ZZID00017' of a@example.org, hunter22-and-more"
    text = f"x\nKeyError: {said}"
    error = {"output_type": "error", "ename": "KeyError", "evalue": said, "traceback": [text]}
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": "x"}
    printed = {"output_type": "stream", "name": "stdout", "text": ["a@example.org\n"]}
    content = {"cells": [cell | {"outputs": [printed, error]}], "metadata": {}}
    (tmp_path / "notebook.ipynb").write_text(json.dumps(content), "utf-8")
    failure = outcome.check_run(tmp_path, "01_rfm", ok=False)
    assert failure.error == "KeyError: Could not convert string *** of ***"
    notebook = workers._normalize(tmp_path / "notebook.ipynb")
    reason = workers.describe_error(ValueError(said))
    publish.record_failure(publish.Place("tea", "2024-01"), reason, [(failure, notebook)])
    all_reports.refresh()
    for path in [tmp_path / "index.html", *(tmp_path / "tea").rglob("*.*")]:
        if path.is_file():
            kept = path.read_text("utf-8")
            assert not re.search("ZZID00017|a@example|hunter22", kept), path
            assert "Could not convert string" in kept


def test_the_kits_own_errors_keep_their_words():
    text = "columns: amount: 'Betrag' is not a header of a.csv."
    assert (
        redaction.mask_error({"ename": "ColumnError", "evalue": text})
        == workers.describe_error(LtvkitError(text))
        == text
    )


def test_customers_are_no_cohorts():
    lines = make_lines(("a", "1", "2024-01-05", 1.0))
    with pytest.raises(ParamsError, match="no customer ids"):
        cohorts.build(lines, as_of="2024-01-31", by="customer_id")
    classed = abc_classes.classify(lines, by="customer_id")
    assert "customer_id" not in abc_classes.leaders(classed, lines, by="customer_id")


# Pseudonyms


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv(pseudonyms.VARIABLE, KEY)


def test_lists_have_pseudonyms_where_there_is_a_key(key, tmp_path):
    table = pd.DataFrame({"customer_id": ["00017", None, "00017", "=1"], "revenue": 1.0})
    results.save(str(tmp_path), page="p", tables={}, lists={"l": table})
    found = pd.read_csv(tmp_path / "lists" / "l.csv", dtype=str, encoding="utf-8-sig")
    known = hmac.new(KEY.encode(), b"00017", hashlib.sha256).hexdigest()[:32]
    assert found["customer_id"].tolist()[::2] == [known, pseudonyms.of("=1")][:1] * 2
    assert found["customer_id"].isna().tolist() == [False, True, False, False]
    assert table["customer_id"].iloc[0] == "00017"


def test_without_a_key_lists_have_ids(tmp_path):
    results.save(
        str(tmp_path), page="p", tables={}, lists={"l": pd.DataFrame({"customer_id": ["00017"]})}
    )
    assert "00017" in (tmp_path / "lists" / "l.csv").read_text("utf-8-sig")
    with pytest.raises(ParamsError, match="is not set"):
        pseudonyms.of("00017")


PEOPLE = {"C-17": "C-17", "花子": None, "a@example.org": None, "Taro Yamada": None, "0017": "0017"}


def test_people_in_lists_are_masked_unless_declared(tmp_path):
    listed = pd.DataFrame({"customer_id": [*PEOPLE], "note": "of b@example.org", "Name": "花子"})
    results.save(str(tmp_path), page="p", tables={}, lists={"l": listed})
    found = pd.read_csv(tmp_path / "lists" / "l.csv", dtype=str, encoding="utf-8-sig")
    masked = [to or people.shorten(one) for one, to in PEOPLE.items()]
    assert found["customer_id"].tolist() == masked
    assert set(found["note"]) == {"of ***"}
    assert set(found["Name"]) == {people.shorten("花子")}
    assert "SHA-256" in (tmp_path / "lists" / "README.txt").read_text("utf-8")
    assert people.shorten("花子") == "person-" + hashlib.sha256("花子".encode()).hexdigest()[:12]
    path = results.save_list(listed, tmp_path / "declared.csv", shown=["customer_id"])
    shown = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    assert shown["customer_id"].tolist() == [*PEOPLE]


def test_secrets_in_lists_are_hidden_also_where_people_are_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "summer2024-vip")
    listed = pd.DataFrame({"customer_id": ["C1", "C2"], "channel": ["summer2024-vip", "web"]})
    for shown in ([], ["channel"]):
        path = results.save_list(listed, tmp_path / "l.csv", shown=shown)
        assert pd.read_csv(path, encoding="utf-8-sig")["channel"].tolist() == ["***", "web"]


@pytest.mark.parametrize(
    "name", ["林 薫", "प्रिया शर्मा", unicodedata.normalize("NFD", "ガバ"), "Ana Lopez"]
)
def test_no_letter_of_a_name_is_left_in_a_line_that_is_no_record(name):
    [text] = people.mask(pd.DataFrame({"text": [f"C002,10,{name},150-0001"]}))["text"]
    assert not any(unicodedata.category(c)[0] in "LM" for c in text.removeprefix("C002"))
    assert text.startswith("C002,10,")


def test_lines_on_the_terminal_are_masked(monkeypatch, capsys):
    monkeypatch.delenv("LTVKIT_QUIET", raising=False)
    monkeypatch.setenv("PGPASSWORD", "teahouse1")
    notices.tell("a@example.org.csv changed while teahouse1 read it.")
    assert capsys.readouterr().err == "*** changed while *** read it.\n"


def test_quarantine_holds_what_is_mapped_and_names_nobody(tmp_path):
    raw = tmp_path / "orders.csv"
    raw.write_text(
        "Kunde,order_date,amount,Wer,Recipient\n"
        "花子,?,1,ZZ Hanako,ZZ Taro\n"
        "x@example.org,?,1,ZZ Hanako,ZZ Taro\n"
        "C-17,?,1,090-1234-5678,ZZ Taro\n"
        "C-17,2024-01-05,quonk 花子,,\n"
        "C-17,令和6年1月99日,1200円,,\n"
        "C-17,2024-01-05,1,,\n"
        "C-18,2024-01-05,1,ZZ Hanako,ZZ Taro,1,ZZ\n",
        "utf-8",
    )
    columns = {"customer_id": "Kunde", "channel": "Recipient"}
    book = orders.read(raw, columns=columns)
    path = results.save_list(summary.list_quarantined(book), tmp_path / "quarantine.csv")
    written = path.read_text("utf-8-sig")
    assert "C-17,?,1" in written
    assert "customer_id (raw),order_date (raw),amount (raw)" in written
    assert "C-18,2024-01-05,1,*** ***" in written  # the digits of a line that is no row
    assert "C-17,令和6年1月99日,1200円" in written  # no words: they say how to mend it
    for hidden in ("花子", "quonk", "example", "Hanako", "Taro", "1234"):
        assert hidden not in written
    known = orders.read(raw, columns=columns, policies={"shown": ["quarantine"]})
    path = results.save_list(
        summary.list_quarantined(known), tmp_path / "q.csv", shown=["quarantine"]
    )
    assert "ZZ Hanako" in path.read_text("utf-8-sig")


@pytest.mark.parametrize("kind", ["duckdb", "pandas"])
def test_quarantine_of_files_that_spell_a_header_in_two_ways(tmp_path, kind):
    """One column of both; a column of people is left out of each file."""
    (tmp_path / "1.csv").write_text(
        "Kunde,Tag,Betrag,Recipient\n7,?,1,ZZ Hanako\n7,2024-01-05,1,ZZ\n"
    )
    (tmp_path / "2.csv").write_text(
        "Kunde,TAG,betrag,RECIPIENT\n8,!,2,ZZ Taro\n8,2024-02-05,1,ZZ\n"
    )
    named = {"customer_id": "Kunde", "order_date": "Tag", "amount": "Betrag", "who": "Recipient"}
    book = orders.read(str(tmp_path), columns=named, engine=kind)
    listed = frames.lazy(summary.list_quarantined(book)).collect().to_dict(as_series=False)
    assert [name for name in listed if name != "text"] == [
        *("file", "line", "reason", "customer_id (raw)", "order_date (raw)", "amount (raw)")
    ]
    assert listed["order_date (raw)"] == ["?", "!"]
    assert listed["amount (raw)"] == ["1", "2"]


def test_quarantine_under_a_key_shows_no_raw_column(key):
    raw = pd.DataFrame(
        {"Id": [" 7 ", "8"], "order_date": ["?", "2024-01-05"], "amount": 1, "Name": "ZZ Hanako"}
    )
    book = orders.read(raw, columns={"customer_id": "Id"})
    listed = summary.list_quarantined(book)
    assert list(listed.columns) == ["line", "reason", "customer_id"]
    assert listed["customer_id"].tolist() == ["7"]


def test_duplicates_under_a_key_show_nothing_that_names_anybody(key):
    twice = {"customer_id": "7", "order_date": "2024-01-05", "amount": 1, "name": "ZZ Hanako"}
    book = orders.read(pd.DataFrame([twice] * 2), policies={"same_day": "one_order"})
    assert list(summary.list_duplicates(book)) == ["customer_id", "order_date", "amount", "copies"]


def test_a_short_key_is_no_key(monkeypatch):
    monkeypatch.setenv(pseudonyms.VARIABLE, "short")
    with pytest.raises(ParamsError, match=r"5 characters, and needs 32.*openssl rand -hex 32"):
        pseudonyms.key()


def test_a_run_depends_on_the_key_and_does_not_tell_it(tmp_path, monkeypatch):
    root = make(tmp_path)
    monkeypatch.setenv("LTVKIT_ROOT", str(root))
    names = set()
    for value in ("", KEY, KEY.upper()):
        monkeypatch.setenv(pseudonyms.VARIABLE, value)
        books = find_notebooks()
        given_ = params.load(root / "params" / "stub.yaml", [b.path for b in books])
        [job, *_] = plan.list_jobs(books, given_, month="1998-06", orders_key="k")
        names.add(job.folder.name)
        assert KEY not in job.folder.name + pseudonyms.fingerprint()
    assert len(names) == 3


# The document


def test_every_promise_names_the_tests_that_hold_it():
    text = (HOME / "SECURITY.md").read_text("utf-8")
    promised = text.split("## What is guaranteed")[1].split("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", promised))
    code = "".join(p.read_text("utf-8") for p in (HOME / "tests").rglob("test_*.py"))
    assert len(named) >= 15
    for name in named:
        assert f"def {name}(" in code, name
    for row in re.findall(r"^- .*(?:\n  .*)*", promised, flags=re.M):
        assert "`test_" in row, row


def test_the_recipe_finds_a_customer(key, capsys):
    text = (HOME / "SECURITY.md").read_text("utf-8")
    recipe = re.search(r"^```python\n(.*?)^```", text, flags=re.M | re.S).group(1)
    exec(recipe, {})
    assert capsys.readouterr().out.split() == [pseudonyms.of("00017"), "00017"]
