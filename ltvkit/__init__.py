"""ltvkit: customer lifetime value, from an order export to a published monthly report.

`ltvkit.open` opens a shop by its params file. Each module is one concept; it takes a table of the
shop and gives a new one:

>>> import ltvkit
>>> from ltvkit import rfm
>>> shop = ltvkit.open("params/shop.yaml")
>>> rfm.summarize(rfm.segment(rfm.score(shop.customers)))[["segment", "customers"]].head(2)
     segment  customers
0  champions        466
1      loyal        368

`import ltvkit` loads nothing else; a module is loaded when it is first used (`ltvkit.rfm`).
"""

# Without newer syntax here and in __main__.py, an old Python can say that it is too old.
from ltvkit.core.lazy import load_on_use
from ltvkit.core.version import VERSION as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

    from ltvkit.config.shop import Shop

# What an analyst imports by name: `from ltvkit import rfm`.
_MODULES = (
    "abc_classes", "archetypes", "cohorts", "customers", "deciles", "display", "drivers", "errors",
    "exercises", "forecast", "funnel", "hypotheses", "kpis", "ltv", "offers", "orders", "periods",
    "quality", "rfm", "samples", "support", "traits", "transitions",
)  # fmt: skip

__all__ = ["__version__", "open"]

__getattr__ = load_on_use(__name__, _MODULES)
__dir__ = [*__all__, *_MODULES].copy


def open(
    path: "str | PathLike[str]", month: "str | None" = None, *, engine: "str | None" = None
) -> "Shop":
    """A params file -> the shop, with its `customers`, `days` and `lines`, ready for every concept.

    `path` is looked for from the working folder, then from the project's. `month` is "1998-06", or
    "last" for the latest complete month; without it the params file decides. `engine` replaces that
    of the params file: "duckdb", "pandas", "polars" or "spark".

    Raises `ParamsError` for a params file that is not there or is wrong, `DataError` for orders
    that cannot be read.
    """
    from ltvkit.config.shop import open_shop

    return open_shop(path, month=month, engine=engine)
