"""A params file is checked whole, and every complaint says what, where and how to mend it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from papermill import inspect_notebook
from stub_project import HOME, PARAMETERS, make, write_notebook

from ltvkit import orders
from ltvkit.config import notebooks, params, rules
from ltvkit.config.notebooks import read_notebook
from ltvkit.errors import ParamsError, ReportError
from ltvkit.ltv import unit_economics


@pytest.fixture
def root(tmp_path):
    return make(tmp_path)


def load(root: Path, text: str | None = None) -> params.Params:
    path = root / "params" / "stub.yaml"
    if text is not None:
        path.write_text("shop: stub\nsource: orders.csv\n" + text, "utf-8")
    return params.load(path, sorted((root / "notebooks").glob("*.ipynb")))


def complaint(root: Path, text: str) -> str:
    with pytest.raises(ParamsError) as caught:
        load(root, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_left_out_has_the_notebooks_default(root):
    assert load(root, "top: 7\n").values == {
        "shop": "stub",
        "title": "Stub",
        "currency": "USD",
        "source": "orders.csv",
        "columns": {},
        "policies": {},
        "month": "last",
        "top": 7,
        "language": "en",
    }


def test_a_notebook_gets_the_keys_it_declares_and_no_others(root):
    assert load(root).for_notebook(["out", "top", "shop", "elsewhere"]) == {
        "top": 5,
        "shop": "stub",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tpo: 7\n", ["line 3", "'tpo'", "Did you mean 'top'?"]),
        ("out: here\n", ["line 3", "'out' is not a parameter"]),
        ("where: {channel: tv}\n", ["line 3", "'where' is not a parameter"]),
        ("top: many\n", ["line 3: top: found many, expected a whole number"]),
        ("top: 1.5\n", ["found 1.5, expected a whole number"]),
        ("top: yes\n", ["found yes, expected a whole number"]),
        ("top:\n", ["top: found nothing, expected a whole number"]),
        ("title: 123\n", ["title: found 123, expected text", 'in quotes: "123"']),
        ("title: 00123\n", ["line 3", "00123 would be changed", 'in quotes: "00123"']),
        ("policies: {guest_ids: [00123]}\n", ["line 3", 'in quotes: "00123"']),
        ("title: 12:30\n", ["12:30 would be changed"]),
        ("title: no\n", ["title: found no, expected text", 'in quotes: "no"']),
        ("currency: [USD]\n", ["currency: found a list, expected text"]),
        ("columns: customer\n", ["columns: found customer, expected a mapping"]),
        ("month: 1998-13\n", ["month", "'1998-13' is not a month", "1998-06"]),
        ("month: June\n", ["'June' is not a month"]),
        ("month: 199806\n", ["month: found 199806, expected text"]),
        ("top: 1\ntop: 2\n", ["line 4", "the key 'top' appears twice"]),
        ("policies: {returns: net, returns: drop}\n", ["line 3", "'returns' appears twice"]),
        ("policies: {data_until: '03/04/2024'}\n", ["'03/04/2024' is not a date", "1998-06-30"]),
        ("top: 1\n\ttitle: x\n", ["cannot be read as YAML", "two spaces, never by tabs"]),
        ("policies: {retruns: net}\n", ["retruns", "Did you mean 'returns'?"]),
        ("policies: {returns: nett}\n", ["nett", "Did you mean 'net'?"]),
        ("columns: {customer_id: 5}\n", ["customer_id", "quotes"]),
        ("top: [1\n", ["line", "cannot be read as YAML"]),
        ("12: a\n", ["the key 12 is not text"]),
        ("on: a\n", ["the key on is not text"]),
    ],
)
def test_one_clear_message(root, text, words):
    said = complaint(root, text)
    assert "stub.yaml" in said
    for word in words:
        assert word in said


@pytest.mark.parametrize("shop", ["My Shop", "../up", "a/b", ".hidden", "", "Café"])
def test_a_shop_must_be_a_folder_name(root, shop):
    (root / "params" / "stub.yaml").write_text(f"shop: '{shop}'\nsource: a.csv\n", "utf-8")
    with pytest.raises(ParamsError, match="names a folder"):
        load(root)


@pytest.mark.parametrize("missing", ["shop", "source"])
def test_a_report_never_falls_back_to_the_demo(root, missing):
    kept = {"shop": "stub", "source": "orders.csv"}
    del kept[missing]
    path = root / "params" / "stub.yaml"
    path.write_text("".join(f"{k}: {v}\n" for k, v in kept.items()), "utf-8")
    with pytest.raises(ParamsError, match=f"'{missing}' is missing"):
        load(root)


def test_defaults_that_differ_must_be_decided(root):
    write_notebook(root, "02_abc", parameters=PARAMETERS.replace("top: int = 5", "top: int = 6"))
    with pytest.raises(ParamsError, match="'top' is missing, and the notebooks' defaults"):
        load(root, "")
    assert load(root, "top: 4\n").values["top"] == 4


def test_what_the_sample_shops_assume_is_not_assumed_of_another(root):
    """Where the notebooks' defaults are about their own shops, a params file gets neutral ones."""
    assumed = """acquisition_cost: dict = {"all": 1600}  # c
cost_by: str = "channel"  # b
abc_by: list = ["category"]  # a
drivers_by: list = ["category"]  # d
tiers: dict = {"gold": {"at_least": 30000}}  # t
events: dict = {"source": "demo:events"}  # e
enquiries: dict = {"source": "demo:enquiries"}  # q
minute_cost: float = 40.0  # m
policies: dict = {"cancelled_status": ["x"]}  # p"""
    write_notebook(root, "02_more", parameters=assumed)
    given = load(root, "").values
    assert {name: given[name] for name in params.NEUTRAL} == params.NEUTRAL
    assert load(root, "cost_by: status\n").values["cost_by"] == "status"


def test_the_recipe_of_the_docs_with_a_channel_passes_the_forecast_notebook(tmp_path):
    recipe = re.search(r"```yaml\n(.*?)```", (HOME / "docs/params.md").read_text("utf-8"), re.S)[1]
    path = tmp_path / "mine.yaml"
    path.write_text(recipe.replace("policies:", "  channel: Source\npolicies:"), "utf-8")
    values = params.load(path, sorted((HOME / "notebooks").glob("*.ipynb"))).values
    assert values["columns"]["channel"] == "Source"
    raw = pd.DataFrame(
        [("1001", "2024/04/01", "00017", "Sencha", 2, 1200, "search")],
        columns=["InvoiceNo", "InvoiceDate", "MemberID", "Item", "Qty", "Price", "Source"],
    )
    lines = orders.read(raw, columns=values["columns"], policies=values["policies"]).lines
    table = unit_economics.summarize(
        lines,
        as_of="2024-05-31",
        acquisition_cost=values["acquisition_cost"],
        by=values["cost_by"],
        margin_rate=values["margin_rate"] or None,
    )
    assert table["all"].tolist() == ["all"]


EDGES = "rfm_cuts: {{recency_days: [9, 30, 60, 90], revenue: [1, 2, 3, 4], orders: {}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('abc_cuts: [0.7, "x"]', ["abc_cuts", "two rising shares"]),
        ("abc_cuts: [0.9, 0.7]", ["abc_cuts", "two rising shares"]),
        ("rfm_lists: [champion]", ["rfm_lists", "Did you mean 'champions'?"]),
        ("abc_by: [brand]", ["abc_by='brand' is not one of"]),
        ("cohort_by: montth", ["cohort_by", "Did you mean 'month'?"]),
        ("cost_by: chanel", ["cost_by", "Did you mean 'channel'?"]),
        ("ltv_of: revenu", ["ltv_of", "Did you mean 'revenue'?"]),
        ("forecast_model: bgnbd", ["forecast_model", "Did you mean 'bg_nbd'?"]),
        ("acquisition_cost: {search: much}", ["acquisition_cost: search='much'"]),
        ("acquisition_cost: {search: -1}", ["acquisition_cost: search=-1"]),
        ("rfm_cuts: {orders: [1, 2, 3, 4]}", ["rfm_cuts", "no edges for recency_days"]),
        ("rfm_cuts: {orders: [a, b, c, d]}", ["rfm_cuts", "must be a list of numbers"]),
        ("margin_rate: 35", ["margin_rate", "0.35 for 35%"]),
        ("margin_rate: -0.1", ["margin_rate=-0.1: give a share from 0 to 1"]),
        ("discount: -2", ["discount=-2: give a rate per year from 0 to 1"]),
        ("discount: .nan", ["discount=nan"]),
        ("discount: 10", ["discount=10"]),
        ("retention_cost: -1", ["retention_cost=-1: give money, 0 or more"]),
        ("retention_cost: .inf", ["retention_cost=inf"]),
        ("acquisition_cost: {all: .nan}", ["acquisition_cost: all=nan"]),
        ("acquisition_cost: {all: yes}", ["acquisition_cost: all=True"]),
        ("acquisition_cost: {all: [1]}", ["acquisition_cost: all=[1]"]),
        ("acquisition: -1", ["acquisition=-1: give a multiple from 0"]),
        ("holdout_months: 0", ["holdout_months=0: give months from 1"]),
        ("holdout_months: -6", ["holdout_months=-6"]),
        ("forecast_months: 0", ["forecast_months=0"]),
        ("forecast_months: 5000", ["forecast_months=5000"]),
        ("kpi_periods: 0", ["kpi_periods=0"]),
        ("lapse_days: 0", ["lapse_days=0"]),
        ("quiet_days: -90", ["quiet_days=-90"]),
        ("contract_days: -1", ["contract_days=-1", "0 for no contract"]),
        ("abc_by: []", ["abc_by=[]: give at least one column"]),
        ("abc_cuts: []", ["abc_cuts", "two rising shares"]),
        ("abc_cuts: [0.7, .nan]", ["abc_cuts", "two rising shares"]),
        ("abc_cuts: [0.7, yes]", ["abc_cuts", "two rising shares"]),
        ("cohort_by: ''", ["cohort_by='' is not one of"]),
        ("cohort_by: amount", ["cohort_by='amount' is not one of"]),
        ("engine: duck", ["engine='duck'", "Did you mean 'duckdb'?"]),
        ("engine: spark", ["spark"]),
        ("spark: {mastre: yarn}", ["spark: 'mastre'", "Did you mean 'master'?"]),
        ("spark: {master: on}", ["spark: master: True must be text"]),
        ("spark: {conf: {a: [on]}}", ["spark: conf: a: ['on'] must be one text"]),
        ("spark: {conf: on}", ["conf must be a mapping"]),
        ("abc_by: [customer_id, customer_id]", ["both be the table abc_customers"]),
        ("cost_by: customer_id", ["cost_by='customer_id' is not one of"]),
        ("cost_by: amount", ["cost_by='amount' is not one of"]),
        ("columns: {Class: K}\nabc_by: [Class]", ["abc_by='Class'", "Give yours another name"]),
        ("columns: {customers: K}\ncost_by: customers", ["cost_by='customers'", "another name"]),
        ("columns: {month: K}\ncost_by: month", ["cost_by='month' is not one of"]),
        (
            "columns: {customers: K}\nabc_by: [customers, customer_id]",
            ["'customers' and 'customer_id' would both be the table abc_customers"],
        ),
        ("policies: {header_line: 99999999999999999999}", ["give a line from 1 to 1,000,000"]),
        ("policies: {header_line: 0}", ["header_line: 0: give a line from 1"]),
        ("policies: {returns: [net]}", ["returns: ['net'] must be text, in quotes."]),
        ("register: ../elsewhere", ["register: ../elsewhere leads out of the project"]),
        ("kpi_tree: {formul: days}", ["kpi_tree: 'formul'", "Did you mean 'formula'?"]),
        (
            "kpi_tree: {leaves: {customer: {owner: A}}}",
            ["kpi_tree: leaves: 'customer' is no leaf. Did you mean 'customers'?"],
        ),
        (EDGES.format("[1, 2, 4, 5, 6]"), ["rfm_cuts: orders=[1, 2, 4, 5, 6]: give up to four"]),
        (EDGES.format("[]"), ["rfm_cuts: orders=[]: give up to four edges"]),
        (EDGES.format("[1, 2, 9, 4]"), ["rfm_cuts: the edges of orders must ascend"]),
        (EDGES.format("[1, 2, 4, .nan]"), ["rfm_cuts: orders", "list of numbers"]),
        (EDGES.format("[1, 2, 4, yes]"), ["rfm_cuts: orders", "list of numbers"]),
        (EDGES.format("9"), ["rfm_cuts: orders=9: give up to four edges"]),
        (EDGES.format("[1, 2, 4, 9], days: [1, 2, 3, 4]"), ["rfm_cuts='days' is not one of"]),
    ],
)
def test_values_are_found_wrong_before_any_notebook_runs(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(f"shop: mine\ntitle: M\ncurrency: EUR\nsource: m.csv\n{text}\n", "utf-8")
    with pytest.raises(ParamsError) as caught:
        params.load(path, sorted((HOME / "notebooks").glob("*.ipynb")))
    for word in [str(path), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize("book", notebooks.find_notebooks(), ids=lambda book: book.page)
def test_every_parameter_has_a_rule_and_a_default_that_keeps_it(book):
    declared = book.parameters
    assert set(declared) - set(notebooks.RESERVED) <= set(rules.RULES)
    rules.check({name: parameter.default for name, parameter in declared.items()})


def test_no_rule_is_without_its_parameter():
    declared = {name for book in notebooks.find_notebooks() for name in book.parameters}
    assert set(rules.RULES) == declared - set(notebooks.RESERVED) | {params.LANGUAGE.name}


def test_the_language_is_that_of_the_file_else_of_the_environment(root, monkeypatch):
    assert load(root, "language: ja\n").language == "ja"
    monkeypatch.setenv("LTVKIT_LANG", "ja_JP.UTF-8")
    assert load(root, "language: en\n").language == "en"
    assert load(root, 'language: ""\n').language == load(root, "").language == "ja"
    monkeypatch.setenv("LTVKIT_LANG", "xx")
    assert load(root, "").language == "en"


@pytest.mark.parametrize("wrong", ["jp", "english", "[ja]", "true"])
def test_a_language_that_there_is_not_is_refused(root, wrong):
    with pytest.raises(ParamsError, match="language"):
        load(root, f"language: {wrong}\n")


def test_a_column_mapped_under_a_name_of_ones_own_can_be_named(tmp_path):
    path = tmp_path / "mine.yaml"
    head = "shop: mine\ntitle: M\ncurrency: EUR\nsource: m.csv\ncolumns: {brand: Marke}\n"
    path.write_text(head + "abc_by: [brand]\ncohort_by: brand\ncost_by: brand\n", "utf-8")
    params.load(path, sorted((HOME / "notebooks").glob("*.ipynb")))


def test_ids_and_dates_stay_text(root):
    write_notebook(
        root,
        "02_dates",
        parameters='start_date: str = ""  # first day\nids: list = []  # ids\n'
        "shares: list = [0.5]  # any\nrate: float = 0.5  # a rate",
    )
    values = load(root, "start_date: 2024-01-05\nids: ['00123', C1]\nrate: 1\n").values
    assert values["start_date"] == "2024-01-05"
    assert values["ids"] == ["00123", "C1"]
    assert values["rate"] == 1
    assert "'2024-02-31' is not a date" in complaint(root, "start_date: 2024-02-31\n")


def test_words_of_the_policies_stay_as_written_down_to_the_figures(root):
    words = "{cancelled_status: [No, 1.50, null], guest_ids: [~], cancelled_prefix: Off}"
    values = load(root, f"policies: {words}\ncolumns: {{status: yes, order_id: No}}\n").values
    assert values["policies"] == {
        "cancelled_status": ["No", "1.50", "null"],
        "guest_ids": ["~"],
        "cancelled_prefix": "Off",
    }
    assert values["columns"] == {"status": "yes", "order_id": "No"}
    raw = pd.DataFrame(
        [
            ("a", "1", "No"),
            ("b", "2", "1.50"),
            ("c", "3", "null"),
            ("~", "4", "x"),
            ("d", "5", "x"),
        ],
        columns=["customer_id", "No", "yes"],
    ).assign(order_date="2024-01-05", amount=10)
    lines = orders.read(raw, columns=values["columns"], policies=values["policies"]).lines
    assert lines["customer_id"].tolist() == ["d"]


def test_numbers_in_lists_and_switches_stay_what_they_are(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "shop: mine\ntitle: M\ncurrency: EUR\nsource: m.csv\nabc_cuts: [0.70, 0.9]\n"
        "rfm_cuts: {recency_days: [30, 90.0], orders: [1, 2], revenue: [20, 50.50]}\n"
        "acquisition_cost: {table: 12.50}\npolicies: {remote: true, checks: {guests: off}}\n"
        'spark: {master: "local[2]", conf: {spark.a: 0.60, spark.b: on}}\n'
    )
    values = params.load(path, sorted((HOME / "notebooks").glob("*.ipynb"))).values
    assert values["abc_cuts"] == [0.7, 0.9]
    assert values["rfm_cuts"]["revenue"] == [20, 50.5]
    assert values["acquisition_cost"] == {"table": 12.5}
    assert values["policies"] == {"remote": True, "checks": {"guests": "off"}}
    assert values["spark"]["conf"] == {"spark.a": "0.60", "spark.b": "on"}


def test_files_that_are_no_params(root):
    notebooks = list((root / "notebooks").glob("*.ipynb"))
    with pytest.raises(ParamsError, match=re.escape("Did you mean 'stub.yaml'?")):
        params.load(root / "params" / "stab.yaml", notebooks)
    with pytest.raises(ParamsError, match="cannot be read"):
        params.load(root / "params", notebooks)
    path = root / "params" / "stub.yaml"
    for content, words in [
        (b"", "found nothing"),
        (b"- shop\n- b\n", "found a sequence"),
        (b"shop", "found a scalar"),
        ("shop: é".encode("latin-1"), "UTF-8"),
        (b"shop: \x00", "cannot be read as YAML"),
        (b"shop: !!python/object:os.system {}", "cannot be read as YAML"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ParamsError, match=words):
            params.load(path, notebooks)


def test_declarations_are_read_as_python(root):
    text = (
        'a: str = "x = 1 # no"  # help = here\nb: dict = {\n    "k": [1, 2],\n}  # two\nc: int = -1'
    )
    path = write_notebook(root, "03_more", parameters=text)
    assert list(read_notebook(path).parameters.values()) == [
        ("a", "str", "x = 1 # no", "help = here"),
        ("b", "dict", {"k": [1, 2]}, "two"),
        ("c", "int", -1, ""),
    ]


@pytest.mark.parametrize(
    "line", ["top = 5", "top: int = 2 * 3", "top: list[str] = []", "top: Path = 1", "print(5)"]
)
def test_a_notebook_may_not_declare_otherwise(root, line):
    path = write_notebook(root, "03_more", parameters=line)
    with pytest.raises(ReportError, match="03_more"):
        read_notebook(path)


def test_notebooks_must_agree_on_a_type(root):
    write_notebook(root, "02_abc", parameters='top: str = "5"  # as text')
    with pytest.raises(ReportError, match="'top' as str"):
        load(root)


@pytest.mark.parametrize("path", sorted((HOME / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_papermill_sees_what_the_params_check_sees(path):
    """So that `papermill notebook.ipynb out.ipynb -f params.yaml` takes every key."""
    seen = {p["name"]: p["inferred_type_name"] for p in inspect_notebook(str(path)).values()}
    assert seen == {name: p.kind for name, p in read_notebook(path).parameters.items()}
    assert all(p.help for p in read_notebook(path).parameters.values())


@pytest.mark.parametrize("path", sorted((HOME / "params").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_projects_params_files_load(path):
    given = params.load(path, sorted((HOME / "notebooks").glob("*.ipynb")))
    assert given.shop == path.stem


def test_an_export_is_told_from_a_params_file(root):
    with pytest.raises(ParamsError, match=r"not a params file.*ltvkit inspect .*orders.csv"):
        params.load(root / "orders.csv", [])
