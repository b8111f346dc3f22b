"""The catalogues of translations: found in the texts of the kit, brought up to date, compiled.

`python tests/stub_catalogues.py` is `make messages`. A catalogue is ltvkit/core/locale/<language>/
LC_MESSAGES/<domain>.po, which translators edit; the .mo beside it is what programs read.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HOME = Path(__file__).parents[1]
LOCALE = HOME / "ltvkit" / "core" / "locale"
DOMAINS = {"ltvkit": HOME / "pyproject.toml", "notebooks": LOCALE / "notebooks.toml"}
HEADER = """\
# {about}
msgid ""
msgstr ""
"Project-Id-Version: ltvkit\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals};\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
ABOUT = "`make messages` adds the texts that are new; tests/test_translations.py tells which lack."
WIDTH = 100
PLACEHOLDER = re.compile(r"\{(\w*)(?:[:!][^{}]*)?\}")
CODE = re.compile(r"`[^`\n]+`")


def list_languages() -> list[str]:
    return sorted(path.parent.name for path in LOCALE.glob("*/LC_MESSAGES"))


def locate(language: str, domain: str, suffix: str = "po") -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.{suffix}"


def extract(domain: str, home: Path = HOME) -> Catalog:
    """All texts of a domain, below `home`."""
    with tempfile.TemporaryDirectory() as folder:
        found, before = Path(folder, "found.pot"), Path.cwd()
        options = ["--mapping-file", str(DOMAINS[domain]), "--keywords", "n_:1,2", "--no-wrap"]
        options += ["--add-location=file", "--sort-by-file", "--output-file", str(found)]
        os.chdir(home)
        try:
            CommandLineInterface().run(["pybabel", "-q", "extract", *options, "."])
        finally:
            os.chdir(before)
        return parse(found.read_bytes())


def parse(text: bytes, language: str | None = None) -> Catalog:
    return read_po(io.BytesIO(text), locale=language, abort_invalid=True)


def read(language: str, domain: str) -> Catalog:
    path = locate(language, domain)
    return parse(path.read_bytes(), language) if path.exists() else Catalog(locale=language)


def messages(catalog: Catalog) -> Iterator[Message]:
    """All but the header."""
    return (message for message in catalog if message.id)


def key(message: Message) -> tuple[str | None, str | tuple[str, ...]]:
    return message.context, tuple(message.id) if message.pluralizable else message.id


def translation(message: Message) -> str:
    """What a message says; "" without a translation. Of several plural forms, the last."""
    said = message.string if isinstance(message.string, str) else [*message.string][-1]
    return said or ""


def update(found: Catalog, known: Catalog) -> Catalog:
    """The texts that were `found`, in their order, with the translations that are `known`."""
    said = {key(message): message.string for message in messages(known)}
    new = Catalog(locale=known.locale, fuzzy=False)
    for message in messages(found):
        string = said.get(key(message), ("",) if message.pluralizable else "")
        files = [(name, None) for name in dict.fromkeys(name for name, _line in message.locations)]
        new.add(message.id, string, files, context=message.context)
    return new


def write(catalog: Catalog) -> bytes:
    """A catalogue as the text of a .po file, which holds no time and no place of this machine."""
    for message in catalog:
        message.flags.clear()  # a percent sign is no placeholder here
    body = io.BytesIO()
    write_po(body, catalog, width=WIDTH, omit_header=True)
    facts = {"language": catalog.locale, "plurals": catalog.plural_forms.rstrip("; ")}
    return HEADER.format(about=ABOUT, **facts).encode() + body.getvalue()


def compile_(catalog: Catalog) -> bytes:
    """A catalogue as a .mo file, the same whenever it is made."""
    body = io.BytesIO()
    catalog.creation_date = catalog.revision_date = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    write_mo(body, catalog)
    return body.getvalue()


def find_faults(found: Catalog, known: Catalog) -> Iterator[str]:
    """What is wrong with translations: missing, orphaned, fuzzy, or with other placeholders."""
    texts = {key(message) for message in messages(found)}
    said = {key(message): message for message in messages(known)}
    yield from (f"orphan: {each}" for each in said if each not in texts)
    yield from (f"missing: {each}" for each in texts if each not in said)
    for each, message in said.items():
        if message.fuzzy:
            yield f"fuzzy: {each}"
        elif not (text := translation(message)):
            yield f"missing: {each}"
        elif message.context is None and (wrong := differ(message.id, text)):
            yield f"{wrong}: {each}: {text}"


def differ(source: str | tuple[str, ...], text: str) -> str:
    """What a translation has otherwise than its source and may not: placeholders, code; or ""."""
    source = source if isinstance(source, str) else source[-1]
    if list_placeholders(source) != list_placeholders(text):
        return "placeholders"
    return "code" if {*CODE.findall(source)} != {*CODE.findall(text)} else ""


def list_placeholders(text: str) -> set[str]:
    return {*PLACEHOLDER.findall(text.replace("{{", "").replace("}}", ""))}


def list_terms(terms: Mapping[str, str], known: Catalog) -> Iterator[str]:
    """The texts that are a term of the field and have another translation than it has.

    Where a term begins with a capital letter, it is a label of its own.
    """
    wanted = {term.casefold(): text for term, text in terms.items() if term.islower()}
    wanted = {term.casefold(): text for term, text in terms.items()} | wanted
    for message in messages(known):
        source = message.id if isinstance(message.id, str) else message.id[0]
        text = terms.get(source) or wanted.get(source.casefold())
        if text is not None and translation(message) not in ("", text):
            yield f"{source}: {translation(message)}, and not {text}"


def main() -> None:
    for domain in DOMAINS:
        found = extract(domain)
        for language in list_languages():
            catalog = update(found, read(language, domain))
            text = write(catalog)
            locate(language, domain).write_bytes(text)
            locate(language, domain, "mo").write_bytes(compile_(parse(text, language)))
            lacking = sum(not translation(message) for message in messages(catalog))
            print(f"{language} {domain}: {len(catalog)} texts, {lacking} without a translation")


if __name__ == "__main__":
    main()
