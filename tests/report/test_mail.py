"""The summary as a mail: what it says, through a real mail server, and what is not sent."""

from __future__ import annotations

import email
import email.policy
import html
import json
import re
import shutil
import socket
from types import SimpleNamespace
from unittest.mock import Mock

import pandas as pd
import pytest
from stub_mail import HOST, PASSWORD, USER, Authority, Inbox, serving
from stub_project import KPIS, make, report, run, write_notebook

from ltvkit.core import i18n
from ltvkit.display import formats
from ltvkit.errors import ParamsError
from ltvkit.report.mail import delivery, explanations, message, settings
from ltvkit.report.pages import sparklines, summaries
from ltvkit.report.publishing import publish

HEADLINE = "Revenue rose by 61 USD; see www.evil.example."
DRIVERS = """\
leaf,change_in_revenue,low,high,verdict,value_before,value_after,department
days,-120.5,-130,-110,lowered,31,30,marketing
"""
SEGMENTS = 'segment,customers,revenue\ncan\'t lose,3,4321.5\n"<b>x</b>",1,2\n'
QUALITY = "status,reason,lines,amount,share\nread,all lines,60,2400,1\n"
CHECKS = "check,severity,result,figure,meaning\nspikes,warn,warn,2 <b>odd</b> days,Look.\n"


def months(last: str) -> str:
    """Key figures of the 30 months to `last`, with a gap: the last row as in the stub project."""
    head, *rows = KPIS.splitlines()
    month, (row,) = pd.Period(last), [row for row in rows if row.startswith(last)]
    past = (f"{month - n},,,False,{900 - 7 * n},{9 + n % 4},,2,0.5,," for n in range(29, 0, -1))
    return "\n".join([head, *(f"{one},,," for one in past), row, ""])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The report of a whole month, and that of one that is not over, without its drivers."""
    root = make(tmp_path_factory.mktemp("mail"))
    (root / "notebooks" / "01_rfm.ipynb").unlink()
    tables = {"kpis_month": months("1998-05"), "data_quality": QUALITY, "data_checks": CHECKS}
    tables |= {"rfm_segments": SEGMENTS}
    write_notebook(root, "00_overview", tables=tables, findings=("Up <b>5%</b> & *, @all", "茶"))
    write_notebook(root, "02_drivers", tables={"drivers_previous": DRIVERS}, findings=(HEADLINE,))
    for month, only in (("1998-05", "overview,drivers"), ("1998-06", "overview")):
        done = report(root, "params/stub.yaml", "--month", month, "--only", only)
        assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def folder(root):
    return root / "reports" / "stub" / "1998-05"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def send(root, port, *arguments, month="1998-05", to=("ann@example.org",), **more):
    known = {"LTVKIT_SMTP_HOST": HOST, "LTVKIT_SMTP_PORT": str(port)}
    known |= {"LTVKIT_SMTP_FROM": "Stub <reports@example.org>"}
    addresses = [part for one in to for part in ("--to", one)]
    arguments = ("send", "params/stub.yaml", *addresses, "--month", month, *arguments)
    return run(root, *arguments, **known, **more)


def login(authority=None, password=PASSWORD):
    trusted = {"SSL_CERT_FILE": str(authority.file)} if authority else {}
    return {"LTVKIT_SMTP_USER": USER, "LTVKIT_SMTP_PASSWORD": password, **trusted}


def read_parts(envelope) -> tuple[email.message.EmailMessage, str, str]:
    """A mail as it arrived -> it, its plain text, and the text of its HTML."""
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert mail.get_content_type() == "multipart/alternative"
    plain, page = mail.iter_parts()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    shown = re.sub(r"(?s)<head>.*?</head>|<[^>]+>", " ", page.get_content())
    return mail, plain.get_content(), " ".join(html.unescape(shown).split())


def test_a_mail_says_what_the_report_says(root, folder, authority):
    """Through STARTTLS and a login, read back, and held against the tables of the report."""
    inbox = Inbox()
    with serving(inbox, tls=authority.make_context()) as port:
        to = ("Ann <ann@example.org>", "bob@example.org", "ann@example.org")
        done = send(root, port, to=to, **login(authority))
    assert (done.returncode, done.stderr) == (0, "")
    sent = [f"Sent: stub 1998-05 to {who}@example.org" for who in ("ann", "bob")]
    assert done.stdout.splitlines() == sent
    (envelope,) = inbox.mails
    assert (inbox.encrypted, inbox.logins) == ([True], [True])
    assert envelope.mail_from == "reports@example.org"
    assert envelope.rcpt_tos == ["ann@example.org", "bob@example.org"]
    mail, plain, page = read_parts(envelope)
    assert mail["Subject"] == "Stub stub: May 1998"
    assert mail["To"] == "ann@example.org, bob@example.org"
    assert mail["Message-ID"].endswith("@example.org>")

    (row,) = pd.read_csv(folder / "tables" / "kpis_month.csv").query("period == '1998-05'").values
    row = dict(zip(KPIS.partition("\n")[0].split(","), row, strict=True))
    for text in (plain, page):
        for name in ("orders", "customers", "new_customers"):
            assert f" {row[name]:,.0f} " in text, name
        assert f"{row['revenue']:.2f} USD" in text
        assert f"{row['repeat_rate']:.1%}" in text
        assert f"{row['average_order_value']:.2f} USD" in text
        assert "unavailable" in text
        assert "−120.50 USD since last month" in text
        assert (
            "Call the best of 3 good customers who have gone quiet (paid so far: 4,322 USD)" in text
        )
        assert "Revenue rose by 61 USD; see www. evil. example" in text
        assert text.count("Revenue rose by 61 USD") == 1
        assert "Up <b>5%</b> & *, @ all" in text
        assert "茶" in text
        assert "spikes: 2 <b>odd</b> days. Look." in text
    assert "60 of 60 lines are used (100.0%). 1 of 1 data check" in page
    assert "\\" not in plain
    assert "**" not in plain
    assert plain.splitlines()[:2] == ["Stub stub: May 1998", "=" * 19]


def test_the_mail_is_small_and_needs_nothing_from_outside(folder):
    text = (folder / "summary.html").read_text("utf-8")
    assert len(text.encode()) < 100_000
    assert not re.search(r"<(script|style|svg|img|link|iframe|a|form)\b|url\(|class=", text)
    body = re.sub(r"<head>.*?</head>|<[^>]+>", " ", text, flags=re.S)
    assert not re.search(r"\w:/|\w\.[a-gi-z]|[@#]\w|www\.\S", html.unescape(body))
    (line, *_others) = re.findall(
        r'<table role="img".*?</table></td></tr></table>|<table role="img".*', text
    )
    assert 'aria-label="May 1996 to May 1998, from 732 USD' in line.replace(".00", "")
    assert line.count("border-top:3px") == sparklines.MONTHS


def test_a_mail_that_anybody_on_the_way_could_read_is_told(monkeypatch):
    mail = email.message.EmailMessage()
    mail.set_content("Revenue rose.")
    with serving(Inbox()) as port:
        server = settings.Server(HOST, port, sender="reports@example.org")
        assert not delivery.deliver(server, mail, ["ann@example.org"]).is_open
        monkeypatch.setattr(delivery, "_is_loopback", lambda _connection: False)
        assert delivery.deliver(server, mail, ["ann@example.org"]).is_open


def test_a_month_without_headline_tasks_or_measures_is_a_mail_as_well(root):
    """Built without the page of drivers, and of a month that the table of key figures lacks."""
    inbox = Inbox()
    with serving(inbox) as port:
        refused = send(root, port, month="last")  # the newest there is
        assert refused.returncode == 2
        assert "stub 1998-06 is partial (the month is not over; without DRIVERS)" in refused.stderr
        assert inbox.mails == []
        done = send(root, port, "--partial", month="1998-06")
    assert (done.returncode, done.stderr) == (0, ""), "no network lies between"
    mail, plain, page = read_parts(inbox.mails[0])
    assert mail["Subject"] == "Stub stub: June 1998"
    for text in (plain, page):
        assert "Revenue rose" not in text
        assert "Up <b>5%</b>" in text
        assert "June 1998" in text
        assert "Not in this report: DRIVERS." in text
    assert "No key figures" in page
    assert "No key figures" in plain


def test_what_failed_or_was_changed_is_not_sent(root, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(root / "reports"))
    place, inbox = publish.Place("stub", "1998-05"), Inbox()
    with serving(inbox) as port:
        publish.record_failure(place, "the orders are gone.")
        done = send(root, port)
        assert done.returncode == 2
        assert "The last run of stub 1998-05 failed: the orders are gone." in done.stderr
        assert "To send the last good report all the same, give --last-good" in done.stderr
        assert inbox.mails == []
        assert send(root, port, "--last-good").returncode == 0
        publish.forget_failure(place)
        for name, fault in {
            "summary.html": "summary.html was changed",
            "tables/kpis_month.csv": "tables/kpis_month.csv is missing",
            "more.txt": "more.txt is not of this report",
            "manifest.json": "manifest.json is damaged",
        }.items():
            shutil.copytree(folder, tmp_path / "kept")
            (folder / name).unlink() if "kpis" in name else (folder / name).write_text("{}")
            done = send(root, port)
            shutil.rmtree(folder)
            (tmp_path / "kept").rename(folder)
            assert (done.returncode, len(inbox.mails)) == (2, 1)
            named = "There is no published report" if name == "manifest.json" else fault
            assert named in done.stderr
            assert "python -m ltvkit report" in done.stderr


def test_a_report_of_a_version_without_mail_is_built_again(root, folder, tmp_path):
    kept = json.loads((folder / "manifest.json").read_text("utf-8"))
    shutil.copytree(folder, tmp_path / "kept")
    (folder / "summary.html").unlink()
    kept["files"].pop("summary.html")
    (folder / "manifest.json").write_text(json.dumps(kept), "utf-8")
    done = send(root, 1)
    shutil.rmtree(folder)
    (tmp_path / "kept").rename(folder)
    assert done.returncode == 2
    assert "it has no summary.html, as an older version built it. Build it again" in done.stderr


def test_who_is_refused_is_named_and_the_others_get_it(root):
    inbox = Inbox(refused=("bob@example.org", "eve@example.org"))
    with serving(inbox) as port:
        done = send(root, port, to=("ann@example.org", "bob@example.org"))
        nobody = send(root, port, to=("bob@example.org", "eve@example.org"))
    assert (done.returncode, nobody.returncode) == (1, 1)
    assert "Sent: stub 1998-05 to ann@example.org" in done.stdout
    assert "FAILED bob@example.org: the server refused the address (550 no such" in done.stderr
    assert "zz-secret" not in done.stderr
    assert [envelope.rcpt_tos for envelope in inbox.mails] == [["ann@example.org"]]
    assert "FAILED eve@example.org" in nobody.stderr
    assert nobody.stdout == ""


def test_a_password_is_never_sent_in_plain_nor_shown(root, authority, monkeypatch):
    inbox, wrong = Inbox(), "other horse, battery"
    with serving(inbox) as port:  # a server on this machine may have it
        assert send(root, port, **login()).returncode == 0
        monkeypatch.setattr(delivery, "_is_loopback", lambda _connection: False)
        done = send(root, port, **login())
    assert done.returncode == 1
    assert "offers no encryption (STARTTLS), so the password was not sent" in done.stderr
    with serving(inbox, tls=authority.make_context()) as port:
        bad = send(root, port, **login(authority, wrong))
        unknown = send(root, port, **login())
    assert "refused the login (535" in bad.stderr
    assert "check LTVKIT_SMTP_USER and LTVKIT_SMTP_PASSWORD" in bad.stderr
    assert "is not to be trusted" in unknown.stderr
    with serving(inbox, tls=authority.make_context("mail.example.org")) as port:
        other = send(root, port, **login(authority))
    assert "Set LTVKIT_SMTP_HOST to the name in the certificate" in other.stderr
    assert inbox.logins[0]
    assert not any(inbox.logins[1:])
    assert len(inbox.mails) == 1
    for said in (done, bad, unknown, other):
        assert said.returncode == 1
        assert not re.search(f"{PASSWORD}|{wrong}|{USER}", said.stdout + said.stderr)


def test_the_port_of_tls_is_encrypted_from_the_start(root, authority, monkeypatch):
    inbox = Inbox()
    with serving(inbox, tls=authority.make_context(), implicit=True) as port:
        monkeypatch.setattr(settings, "IMPLICIT_TLS", port)
        done = send(root, port, **login(authority))
    assert (done.returncode, done.stderr, inbox.encrypted) == (0, "", [True])


def test_only_an_address_of_this_machine_is_loopback():
    for reached, local in {
        "127.0.0.1": True,
        "::1": True,
        "192.0.2.7": False,
        "fe80::1%x": False,
    }.items():
        sock = SimpleNamespace(getpeername=lambda reached=reached: (reached, 25))
        assert delivery._is_loopback(SimpleNamespace(sock=sock)) is local


def test_a_server_that_is_not_there_is_told(root, monkeypatch):
    monkeypatch.setattr(delivery, "SECONDS", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        said = send(root, port)
        assert (said.returncode, "did not answer in time" in said.stderr) == (1, True)
    closed = send(root, port)
    assert "cannot be reached (Connection refused): check LTVKIT_SMTP_HOST" in closed.stderr
    monkeypatch.setattr(
        explanations.socket, "getaddrinfo", Mock(side_effect=socket.gaierror(-2, "x"))
    )
    assert "cannot be reached (its name is not known)" in send(root, port).stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"LTVKIT_SMTP_HOST": ""}, "Set LTVKIT_SMTP_HOST in the environment"),
        ({"LTVKIT_SMTP_FROM": "nobody"}, "LTVKIT_SMTP_FROM: this is not an e-mail address"),
        ({"LTVKIT_SMTP_PORT": "mail"}, "LTVKIT_SMTP_PORT: give the number of a port"),
        ({"LTVKIT_SMTP_PORT": "70000"}, "LTVKIT_SMTP_PORT: give the number of a port"),
        ({"LTVKIT_SMTP_USER": "hidden-user"}, "Set both LTVKIT_SMTP_USER and LTVKIT_SMTP_PASSWORD"),
        (login(password="pässword-1"), "mail servers take ASCII"),
    ],
)
def test_settings_that_cannot_be(given, words, monkeypatch):
    known = {"LTVKIT_SMTP_HOST": HOST, "LTVKIT_SMTP_FROM": "a@example.org"} | given
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ParamsError, match=re.escape(words)) as caught:
        settings.read_environment()
    assert not re.search("hidden-user|pässword", str(caught.value))


@pytest.mark.parametrize(
    "text", ["", "ann", "@example.org", "a@b, c@d", "a@b\nBcc: c@d", "a b@c", "a@", "<>", '"a@b']
)
def test_what_is_no_address(text):
    with pytest.raises(ParamsError, match="--to: this is not an e-mail address"):
        message.find_address(text)


def test_a_summary_that_is_too_long_leaves_out_its_last_findings():
    page = {"notebook": SimpleNamespace(nav="P"), "findings": ["é<" * 600] * 100}
    front = {"pages": [page, page], "checks": ["c" * 1100] * 100, "data": ["d"], "kpis": []}
    front |= dict.fromkeys(["headline", "measures", "tasks", "left_out", "partial", "preview"], "")
    front |= {"title": "T", "shop": "s", "month": "1998-05", "month_name": "May 1998"}
    front |= {"last_year": "May 1997", "last_day": formats.day("1998-05-31")}
    text = summaries.render_html(front)
    assert 20_000 < len(text.encode()) < 100_000
    left = 200 - len(re.findall("<li style", text))
    assert 0 < left < 200
    assert f"{left} more findings are in the report." in text
    assert "more in the report" in text
    assert text.count("\N{HORIZONTAL ELLIPSIS}</li>") == text.count("<li") - 1
    assert i18n.language() in text
