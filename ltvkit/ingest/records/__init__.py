"""Records beside the orders: events and enquiries, read and checked as orders are."""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.ingest.records.facts import list_events
    from ltvkit.ingest.records.options import INVITATIONS, TABLES, Options, check, inherit
    from ltvkit.ingest.records.reading import Records, read

__all__ = [
    "INVITATIONS", "TABLES", "Options", "Records", "check", "inherit", "list_events", "read",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
