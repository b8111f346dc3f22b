"""Broken params and hypotheses: each is read, or refused in a message that names the file.

`make test` judges a few dozen, `make soak` 2,000 (or as many as LTVKIT_PARAMS_FUZZ says).
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from stub_params_fuzz import judge

FILES, ROUNDS = int(os.environ.get("LTVKIT_PARAMS_FUZZ", "60")), 4


@pytest.mark.parametrize("first", range(ROUNDS))
def test_whatever_stands_in_a_file_it_is_read_or_refused(tmp_path, monkeypatch, first):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    ended = Counter()
    for number in range(first, FILES, ROUNDS):
        try:
            ended[judge(tmp_path, number)] += 1
        except Exception as error:
            raise AssertionError(f"file {number}: {error!r}") from error
    assert ended.total() == len(range(first, FILES, ROUNDS))
    assert ended["refused"]
