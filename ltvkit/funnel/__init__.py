"""Funnel: which stages people reach before the first order and after it, and their worth."""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.funnel.reading import read_events
    from ltvkit.ingest.records import Records

__all__ = ["Records", "read_events"]

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
