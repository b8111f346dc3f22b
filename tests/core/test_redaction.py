"""What is masked in messages, notebooks and tables; no error reaches a message unmasked."""

from __future__ import annotations

import ast
import base64
import html
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from ltvkit import errors
from ltvkit.core import machine_values, paths, personal_data, redaction

HOME = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "said",
    [
        "Conversion Error: Could not convert string 'taro@example.jp' to INT32",
        "Unknown string format: Taro Yamada",
        "could not convert string to float: 山田太郎",
        "CSV Error on Line: 3, Original Line: C00017,Taro,2024-01-05",
        "Expected 3 columns, got 4: C00017,taro yamada,90",
        "Key (customer)=(C00017) already exists, of yamada-taro",
        "no such column: taro",
        'value "taro"s yamada" is out of range',
        "invalid value `yamada` near 「太郎」 at C-00017 17",
        "field taro_c00017, call 090-1234-5678 or 03(1234)5678",
    ],
)
def test_what_a_library_says_quotes_no_data(said):
    shown = redaction.foreign(ValueError(f"{said}\n{said}"))
    parts = ("taro", "yamada", "山田", "太郎", "00017", "17", "90", "1234", "5678", "example")
    assert not any(part in shown.casefold() for part in parts)
    assert "\n" not in shown
    assert len(shown) > 10  # it still says what is wrong


@pytest.mark.parametrize(
    "value", ["a", "1", "abc", "p$w", "longer-than-eight", "日本語の鍵", " b "]
)
@pytest.mark.parametrize(
    "name", ["PGPASSWORD", "MYSQL_PWD", "LTVKIT_LIST_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASS"]
)
def test_a_secret_is_hidden_whatever_its_length(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    for around in ("({})", "x={};", "said {}.", "{}", "'{}'"):
        text = around.format(value.strip())
        assert redaction.mask(text) == around.format("***")
        assert value.strip() not in redaction.foreign(text)
    assert redaction.mask("aXabc1b") == "aXabc1b"  # a short one may be part of any word


def test_a_secret_is_hidden_in_other_forms(monkeypatch):
    secret = 'pa"ss wörd/1+'
    monkeypatch.setenv("PGPASSWORD", secret)
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:urlsecret@db/shop")
    coded = base64.b64encode(secret.encode()).decode()
    quoted = ["pa%22ss%20w%C3%B6rd%2F1%2B", "pa%22ss+w%C3%B6rd%2F1%2B", "pa%22ss%20w%C3%B6rd/1%2B"]
    quoted += ["pa%22ss%20w%c3%b6rd%2f1%2b", "pa&quot;ss wörd&#x2F;1&#x2B;", 'pa"ss wörd\\/1+']
    for form in (secret, *quoted, coded):
        assert redaction.mask(f"<{form}>").strip("<=>") == "***"
    assert redaction.mask("no urlsecret") == "no ***"
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:ur/l@secret@db:5432/shop")
    assert redaction.mask("no ur/l@secret") == "no ***"


def test_a_secret_is_hidden_in_files_and_markup(monkeypatch):
    secret = 'it\'s "<one>" & more\nof two lines'
    monkeypatch.setenv("PGPASSWORD", secret)
    table = pd.DataFrame({"a": [secret]})
    styled = {"text/html": table.style.format(escape="html").to_html()}
    shown = redaction.mask_outputs({"output_type": "display_data", "data": styled})
    for text in (table.to_csv(), html.escape(secret, quote=False), *secret.splitlines()):
        assert "***" in redaction.mask_figures(text)
        assert "more" not in redaction.mask_figures(text)
    assert "more" not in shown["data"]["text/html"]
    assert "***" in shown["data"]["text/html"]


@pytest.mark.parametrize("user", ["", "me:", "you:", "root:"])
def test_a_secret_is_hidden_where_it_is_encoded_with_others(user, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "ÿÿ>>?x")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(f"{user}ÿÿ>>?x@db".encode()).decode()
        shown = redaction.mask(coded)
        assert "***" in shown
        assert len(shown.replace("***", "")) <= len(coded) - 10


def test_people_are_hidden_in_what_markup_says_beside_its_text():
    data = {
        "text/html": '<td title="a@example.org" class="x">b</td><img alt="to 090-1234-5678">',
        "image/svg+xml": "<svg><text>a@example.org</text></svg>",
        "application/json": {"a@example.org": ["a@example.org"]},
        "image/png": "abcd",
    }
    output = {"output_type": "display_data", "data": data}
    output |= {"metadata": {"image/png": {"alt": "of a@example.org"}}}
    shown = redaction.mask_outputs(output)
    assert shown["data"] == {
        "text/html": '<td title="***" class="x">b</td><img alt="to ***">',
        "image/svg+xml": "<svg><text>***</text></svg>",
        "application/json": {"***": ["***"]},
        "image/png": "abcd",
    }
    assert shown["metadata"]["image/png"]["alt"] == "of ***"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:a/zz@localhost/x", "postgresql://me:a@zz@localhost/x",
        "postgresql://me:a?zz#@localhost/x", "https://h/x.csv?code=zzzzzzzz",
        "Authorization: Bearer zzzzzzzzzzzzzzzz", "pw=zz", "x;Pass=zz;",
    ],
)  # fmt: skip
def test_a_secret_is_known_by_its_form(text):
    with pytest.raises(errors.ParamsError, match="looks like a secret"):
        redaction.check("source", text)
    assert "zz" not in redaction.mask(text)


@pytest.mark.parametrize(
    "text", ["https://h:8080/a@b.csv", "https://h/x?country=code", "Bearer of news", "C:/a@b.csv"]
)
def test_what_only_looks_like_a_secret_is_none(text):
    redaction.check("source", text)


def test_short_secrets_and_numbers_leave_figures(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "1")
    monkeypatch.setenv("MYSQL_PWD", "2024")
    monkeypatch.setenv("DB_PASS", "div")
    assert redaction.mask_figures("1 of 2024, div 3") == "1 of 2024, *** 3"
    for word in ("customers", "Revenue", "repeat_rate"):  # whose gap would tell them
        monkeypatch.setenv("MYSQL_PWD", word)
        assert redaction.mask_figures(f"{word}_vs_previous of {word}").count(word) == 2
        assert redaction.mask(f"no {word}") == "no ***"
    output = {"output_type": "display_data", "data": {"text/html": "<div><td>div</td></div>"}}
    assert redaction.mask_outputs(output)["data"]["text/html"] == "<div><td>***</td></div>"


def test_folders_of_the_machine_are_not_told(monkeypatch, tmp_path):
    home = tmp_path / "home of taro"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LTVKIT_ROOT", str(home / "shop"))
    monkeypatch.delenv("LTVKIT_REPORTS", raising=False)
    for text, shown in {
        f"no {home}/a.csv": "no ~/a.csv",
        f"'{home}'": "'~/'",
        f"it is in {home}.": "it is in ~/.",
        f"{home}.old/a.csv": f"***/{home.relative_to(tempfile.gettempdir())}.old/a.csv",
        f"{paths.root()}/orders.csv, line 3": "orders.csv, line 3",
        f"{paths.reports()}/tea/1": "reports/tea/1",
        f"{tempfile.gettempdir()}/x-1/y.csv: gone": "***/x-1/y.csv: gone",
    }.items():
        assert redaction.mask(text) == redaction.mask_figures(text) == shown
    error = FileNotFoundError(2, "No such file", str(home / "a.csv"))
    assert redaction.describe_error(error) == "No such file: ~/a.csv"


def test_people_are_hidden_and_figures_are_not():
    for text in (
        "a.b+c@x-y.co.jp",
        "ｔａｒｏ＠example.jp",
        "090-1234-5678",
        "03-1234-5678",
        "+81 90 1234 5678",
        "o'neil@example.org",
        "０９０－１２３４－５６７８",
        "090\N{HYPHEN}1234\N{HYPHEN}5678",
        "090(1234)5678",
        "03 1234 5678",
        "06 12 34 56 78",
        "+49 171 1234567",
        "1-555-123-4567",
        "(555) 123 4567",
        "+49 (0)170 1234567",
        "+44 (0)20 7946 0907",
        "+49 170/1234567",
        "+1(555)123-4567",
        "+81.90.1234.5678",
    ):
        assert personal_data.hide(f"<{text}>") == "<***>"
        assert personal_data.hide(f"電話 {text}。") == "電話 ***。"
    assert personal_data.hide("電話03-1234-5678まで") == "電話***まで"
    for text in (
        "2024-01-05",
        "1,234.50",
        "12-34-5678",
        "AB03-1234-5678",
        "1 234 567 890",
        "0.0901234567",
        "05-01-2024",
        "a@b",
        "4901234567894",
        "+12345.67",
        "+1.234.567.890",
        "+1 234 JPY",
        "+203.8% (12)",
    ):
        assert personal_data.hide(text) == text


def test_a_traceback_tells_where_and_not_what():
    said = "Could not convert string 'ZZID00017' of ZZTaro"
    lines = [
        "\x1b[31m---------------------------------------\x1b[39m",
        "ConversionException                       Traceback (most recent call last)",
        "File ~/shop/a.py:12, in f(x)\n     11 def f(x):\n---> 12     return g(x)",
        f"ConversionException: {said}\n   3 ZZTaro",
        "\nThe above exception was the direct cause of the following exception:\n",
        "Cell In[3], line 1\n----> 1 f(lines)",
        f"ValueError: {said}",
    ]
    output = {"output_type": "error", "ename": "ValueError", "evalue": said, "traceback": lines}
    shown = redaction.mask_outputs([output])[0]
    kept = "\n".join(shown["traceback"])
    assert "ZZ" not in kept + shown["evalue"]
    assert "---> 12     return g(x)" in kept
    assert kept.endswith("ValueError: Could not convert string *** of ***")


def test_an_error_named_like_the_kits_own_is_foreign():
    output = {
        "ename": "DataError",
        "evalue": "no zztaro",
        "traceback": ["---> 3 cursor.execute(x)"],
    }
    assert redaction.mask_error(output) == "no ***"
    assert (
        redaction.mask_error(output | {"traceback": ["--> 3 raise DataError(text)"]}) == "no zztaro"
    )


def read_amounts(text: str) -> None:
    try:
        float(text)
    except ValueError as error:
        raise errors.DataError(f"the amounts cannot be read: {error}!") from error


def test_what_the_kits_own_error_repeats_of_a_library_is_masked():
    with pytest.raises(errors.DataError) as caught:
        read_amounts("zztaro")
    shown = "the amounts cannot be read: could not convert string to float: ***!"
    assert redaction.describe_error(caught.value) == shown
    lines = [
        "ValueError                 Traceback (most recent call last)",
        f"ValueError: {caught.value.__cause__}",
        "During handling of the above exception, another exception occurred:",
        "----> 4     raise DataError(text)",
        f"DataError: {caught.value}",
    ]
    output = {"ename": "DataError", "evalue": str(caught.value), "traceback": lines}
    assert redaction.mask_error(output) == shown


def test_warnings_of_libraries_quote_nothing():
    text = "a.py:3: UserWarning: Could not infer format of 'zztaro'\na.py:4: LtvkitWarning: look\n"
    shown = redaction.mask_outputs({"output_type": "stream", "name": "stderr", "text": [text]})
    assert "zztaro" not in shown["text"]
    assert "Could not infer format of ***" in shown["text"]
    assert "LtvkitWarning: look" in shown["text"]


# Functions that take an error and give no text of a library.
SAFE = {
    "foreign", "describe_error", "describe_failure", "isinstance", "type", "_first_line",
    "_record_interruption", "getattr", "locate",
}  # fmt: skip
# What of an error quotes no data: numbers, kinds, places, and texts of the operating system.
PLAIN = {"errno", "strerror", "filename", "start", "object", "status", "name", "pages", "ename"}
# Parts of an error whose text is masked where it is used, or decides only what is said.
CHECKED = {
    ("ltvkit/report/runner/engine.py", "evalue"),  # masked in the next line
    ("ltvkit/report/runner/engine.py", "traceback"),
    ("ltvkit/__main__.py", "name"),
    ("ltvkit/display/plots/_style.py", "args"),  # raised by the kit
    ("ltvkit/hypotheses/registry/verification.py", ""),  # raised by the kit
    ("ltvkit/engines/spark/session.py", ""),  # kept for `_failure_reason`
    ("ltvkit/report/mail/delivery.py", ""),  # `explain` masks what it says
    ("ltvkit/report/mail/delivery.py", "recipients"),  # so does `describe_reply`
}
# Errors of the kit that are not in `errors`.
PRIVATE = {"_NoMapping", "GitError", "Interrupted", "Invalid", "UndecidedEncodingError"}
OWN = PRIVATE | {
    name for name in errors.__all__ if name.endswith(("Error", "Data", "Optimum", "Regular", "Yet"))
}


def _list_uses(path: Path) -> list[str]:
    """Where a caught error that is not the kit's own is used in another way than the safe ones."""
    tree = ast.parse(path.read_text("utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    short, found = path.relative_to(HOME).as_posix(), []
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or not handler.name:
            continue
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if all(getattr(kind, "attr", getattr(kind, "id", "")) in OWN for kind in caught):
            continue
        for node in ast.walk(handler):
            if not (isinstance(node, ast.Name) and node.id == handler.name):
                continue
            above, ways = node, []
            while above is not handler:
                above = parents[above]
                ways.append(above)
            called = [way.func for way in ways if isinstance(way, ast.Call)]
            names = {getattr(func, "attr", getattr(func, "id", "")) for func in called}
            raised = isinstance(ways[0], ast.Raise) and ways[0].cause is node
            part = ways[0].attr if isinstance(ways[0], ast.Attribute) else ""
            compared = any(isinstance(way, ast.Compare) for way in ways)
            if not (
                raised or names & SAFE or part in PLAIN or compared or (short, part) in CHECKED
            ):
                found.append(f"{short}:{node.lineno}")
    return found


def test_no_error_of_a_library_is_put_into_a_message_as_it_is():
    found = [use for path in sorted((HOME / "ltvkit").rglob("*.py")) for use in _list_uses(path)]
    assert found == []


def test_variables_named_like_secrets():
    named = (
        "PGPASSWORD",
        "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "SSHPASS",
        "dbPassword",
    )
    assert all(map(machine_values.is_secret, named))
    assert not any(
        map(machine_values.is_secret, ("PATH", "KEYBOARD", "HOME", "PASSENGERS", "author"))
    )


def test_every_reason_that_a_page_gives_is_known_as_the_kits():
    """What is not is masked word by word."""
    import importlib
    import pkgutil

    import ltvkit

    for module in pkgutil.walk_packages(ltvkit.__path__, "ltvkit."):
        if "spark" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def list_kinds(kind: type) -> list[type]:
        return [kind, *(each for sub in kind.__subclasses__() for each in list_kinds(sub))]

    own = [
        each for each in list_kinds(errors.TooLittleData) if each.__module__.startswith("ltvkit")
    ]
    assert len(own) > 3
    assert [each for each in own if not hasattr(errors, each.__name__)] == []
