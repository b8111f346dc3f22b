"""The sample exports that come with the kit, as files for the readers."""

import importlib.util
from pathlib import Path

import pandas as pd

from ltvkit.core import cache_entries, cache_folder, paths
from ltvkit.errors import DataError, one_of

# "untouched" is the shop as if it had never tried anything; "traits" is that shop, with
# customers who differ by their first order. "events" and "enquiries" are records beside "shop".
NAMES = ("cdnow", "enquiries", "events", "shop", "traits", "untouched")


def locate(name: str) -> Path:
    """The Parquet file of a sample; raises `ParamsError` for another name.

    CDNOW comes with lifetimes, and is converted on first use.
    """
    one_of("sample", name, NAMES)
    if name != "cdnow":
        return paths.package() / "samples" / f"{name}.parquet"
    folder = cache_folder.locate("samples") / "cdnow"
    cache_entries.open_or_make(folder, _write_cdnow).release()
    return folder / "cdnow.parquet"


def _write_cdnow(folder: Path) -> None:
    read_cdnow().to_parquet(folder / "cdnow.parquet", index=False)


def read_cdnow() -> pd.DataFrame:
    """The CDNOW master log as published: 69,659 rows of 23,570 customers, 1997-01 to 1998-06.

    Columns `customer_id` str, `order_date` str ("19970101"), `quantity` int, `amount` float
    (dollars; zero in 80 rows). Raises DataError without lifetimes, which ships the file.

    >>> read_cdnow().head(1).to_dict("records")
    [{'customer_id': '00001', 'order_date': '19970101', 'quantity': 1, 'amount': 11.77}]
    """
    # Found, not imported: importing lifetimes is slow and changes an option of pandas.
    found = importlib.util.find_spec("lifetimes")
    if found is None:
        raise DataError("The sample 'cdnow' is a file of lifetimes: run pip install lifetimes.")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "CDNOW_master.txt"
    types = {"customer_id": "str", "order_date": "str", "quantity": "int64", "amount": "float64"}
    return pd.read_csv(path, sep=r"\s+", skiprows=1, header=None, names=list(types), dtype=types)
