"""What each exercise's answer is, and what its known mistakes give.

Each function takes variables of the notebook by name, and returns the right answer, a mapping of
mistakes to what they give (NaN where these orders do not show it), and the figures that the texts
of `catalogue.yaml` name. It raises `DataError` where the orders cannot answer.
"""

from collections.abc import Mapping
from typing import Any

Found = tuple[Any, Mapping[str, Any], Mapping[str, Any]]
