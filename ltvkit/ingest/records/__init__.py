"""Records beside the orders: events and enquiries, read and checked as orders are."""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.ingest.records.options import Options, check, inherit
    from ltvkit.ingest.records.reading import Records, list_events, read

__all__ = ["Options", "Records", "check", "inherit", "list_events", "read"]

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
