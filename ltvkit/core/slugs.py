"""Short names that also name files and folders."""

import re

from ltvkit.errors import ParamsError

SLUG = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")


def check_shop(shop: str) -> str:
    """`shop` itself, if it can name a folder; raises `ParamsError` otherwise.

    >>> check_shop("my-shop")
    'my-shop'
    """
    if not SLUG.fullmatch(shop):
        raise ParamsError(
            f"found {shop!r}; it names a folder, so expected small letters, digits, "
            "- and _, as in my-shop."
        )
    return shop
