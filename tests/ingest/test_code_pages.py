"""Code pages of the West, told apart by the letters of a text."""

from __future__ import annotations

import pytest

from ltvkit.ingest.readers import code_pages, encodings

TEXTS = {
    "German": "Müller,Straße,Köln,Bäcker,ÜBUNG,Öl",
    "French": "Café Crème,Société,Noël,garçon,élève,À côté,Éric",
    "Spanish": "Muñoz,niño,José,España,Ñandú,corazón",
    "Swedish": "Åsa,smörgås,köpt,Ängelholm",
    "Portuguese": "João,ação,pão,coração",
    "Polish": "Łódź,Kraków,święta,ćma,Żuk,dziękuję,książka",
    "Czech": "Příliš žluťoučký kůň,Čech,říjen",
    "Hungarian": "őrült,tűz,Győr",
}


def rank(written: bytes) -> dict[str, str]:
    texts = {}
    for page in code_pages.USUAL:
        try:
            texts[page] = [written.decode(page)]
        except UnicodeDecodeError:
            continue
    return code_pages.rank_pages(texts)


@pytest.mark.parametrize("language", TEXTS)
def test_the_right_page_is_named_whatever_the_language(language):
    """The first one, but that Hungarian differs from letters of cp1252 in two alone."""
    pages = 0
    for page in code_pages.USUAL:
        try:
            found = rank(TEXTS[language].encode(page))
        except UnicodeEncodeError:
            continue
        same = TEXTS[language].encode(page).decode("cp1252", "ignore") == TEXTS[language]
        right = "cp1252" if same else page
        assert right in found if language == "Hungarian" else next(iter(found)) == right
        pages += 1
    assert pages


@pytest.mark.parametrize("text", ["顧客,注文日", "煎茶", "受注データ"])
def test_japanese_in_its_own_code_page_is_none_of_the_west(text):
    for encoding in ("cp932", "euc_jp"):
        assert rank(text.encode(encoding)) == {}


def test_words_of_other_letters_alone_are_no_western_text():
    assert rank("Кофе,Москва,молоко".encode("cp1251")) == {}


def test_accents_read_as_japanese_stand_beside_latin_letters():
    for page in ("mac_roman", "cp1252"):
        for word in ("João,pão,ação", "Smörgås"):
            assert code_pages.is_hardly_japanese([word.encode(page).decode("cp932", "ignore")])
    for text in ("Tシャツ,iPhoneケース,A4用紙", "顧客ID,注文No", "ｱ1,ｱ2", "抹茶latte,玉露,煎茶"):
        assert not code_pages.is_hardly_japanese([text])
    assert not code_pages.is_hardly_japanese(["plain"])


def test_a_declared_code_page_is_that_of_files_that_are_not_utf8(tmp_path):
    for name, encoding in (("a", "utf-8"), ("b", "latin-1")):
        (tmp_path / f"{name}.csv").write_text("é\n", encoding)
        found = encodings.convert_to_utf8(
            tmp_path / f"{name}.csv", name=name, declared="latin-1", copy=tmp_path / "copy"
        )
        assert found.path.read_text("utf-8") == "é\n"
