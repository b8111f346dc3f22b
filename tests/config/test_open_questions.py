"""Questions that are still open in a params file."""

from __future__ import annotations

import pytest

from ltvkit.config import open_questions

ASKED = """\
# Lines marked CHECK are for you to decide.
shop: mine
# CHECK: Not stated in the file: USD is a placeholder.
currency: USD

columns:
  order_date: Date
  # CHECK: Which column
  # is it?
  customer_id: ""
  # CHECK: product_id: 'a', 'b' fit equally well: choose one.
  # Headers of the export: a, b
policies:
  returns: net                    # lines below zero
  # CHECK: Is that right?
  cancelled_status: [x]
"""


def test_each_mark_is_of_the_key_below_it_or_of_the_column_that_it_names():
    assert open_questions.list_open_questions(ASKED) == [
        "currency",
        "columns.customer_id",
        "columns.product_id",
        "policies.cancelled_status",
    ]


@pytest.mark.parametrize("text", ["", "shop: mine\n", "# CHECK this some day\nshop: mine\n"])
def test_no_mark_is_no_question(text):
    assert open_questions.list_open_questions(text) == []


def test_the_reminder_names_how_many_and_which(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(ASKED, "utf-8")
    assert open_questions.remind(file) == (
        "4 questions of mine.yaml are open: currency, columns.customer_id, columns.product_id, "
        "policies.cancelled_status. Decide them, and remove their lines marked CHECK."
    )
    file.write_text("# CHECK: Is it?\ncurrency: JPY\n", "utf-8")
    assert open_questions.remind(file) == (
        "1 question of mine.yaml is open: currency. Decide it, and remove its line marked CHECK."
    )
    file.write_text("currency: JPY\n", "utf-8")
    assert open_questions.remind(file) == ""
