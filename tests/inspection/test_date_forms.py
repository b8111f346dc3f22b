"""The form in which dates are written, found from samples."""

from __future__ import annotations

import pytest

from ltvkit.inspection import date_forms


@pytest.mark.parametrize(
    ("samples", "forms"),
    [
        (["2024-01-05", "令和6年1月5日", "", None], [""]),
        (["03/04/2024", "05/06/2024"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["03/04/2024", "13/04/2024"], ["%d/%m/%Y"]),
        (["03/04/2024", "04/13/2024"], ["%m/%d/%Y"]),
        (["13/04/2024", "04/13/2024"], ["%d/%m/%Y | %m/%d/%Y"]),
        (
            ["13/04/2024", "04/13/2024", "03/04/2024"],
            ["%d/%m/%Y | %m/%d/%Y", "%m/%d/%Y | %d/%m/%Y"],
        ),
        (["04/13/2024", "2024-05-01"], ["%m/%d/%Y | year first"]),
        (["03/04/2024", "2024-01-01"], ["%d/%m/%Y | year first", "%m/%d/%Y | year first"]),
        (["13/04/2024", "13/04/2024 10:30"], ["%d/%m/%Y | %d/%m/%Y %H:%M"]),
        (["Jan-05-24"], ["%b-%d-%y"]),
        (["Jan 5, 2024, 03:04:05 PM"], ["%b %d, %Y, %I:%M:%S %p"]),
        (["05-oct.-26", "17-févr.-26"], ["%d-%b-%y"]),
        (["5. März 2024", "5. Mai 2024"], ["%d. %b %Y"]),
        (["5 de enero de 2024"], ["%d de %b de %Y"]),
        (["Fri, 05 Jan 2024 10:30:00 +0000"], ["%a, %d %b %Y %H:%M:%S %z"]),
        (["01/31/2024 03:00:00 UTC"], ["%m/%d/%Y %H:%M:%S %Z"]),
        (["1704412800", "1706412800"], ["unix seconds"]),
        (["1704412800123"], ["unix milliseconds"]),
        (["2024-05", "2024-06"], ["%Y-%m"]),
        (["2024/05"], ["%Y/%m"]),
        (["May 2024"], ["%b %Y"]),
        (["2024年5月"], ["%Y年%m月"]),
        (["13/04/2567"], ["Buddhist %d/%m/%Y"]),
        (["2567-01-05"], ["Buddhist year first"]),
        (["9999-12-31", "31/12/9999", "13/04/2024"], ["%d/%m/%Y"]),
        ([*(f"{n}/05/2024" for n in range(1, 29)), "soon or 7"], ["%d/%m/%Y"]),
        ([*(f"{n}/0{m}/2024" for n in range(1, 29) for m in (5, 6)), "7 May"], ["%d/%m/%Y"]),
        (["31.12.2024 18:05"], ["%d.%m.%Y %H:%M"]),
        (["1/31/2024 3:04:05 PM"], ["%m/%d/%Y %I:%M:%S %p"]),
        (["24/12/31"], ["%d/%m/%y", "%y/%m/%d"]),
        (["Jan 5, 2024"], ["%b %d, %Y"]),
        (["yesterday"], []),
        (["1/2", "12", "x-7", "2024-01-05"], []),
        (["", " "], []),
    ],
)
def test_the_forms_that_fit_samples(samples, forms):
    assert date_forms.guess_formats(samples) == forms
