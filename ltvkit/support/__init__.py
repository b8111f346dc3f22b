"""Support: which enquiries need a human, what causes them, and what they cost."""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.ingest.records import Records
    from ltvkit.support.reading import read_enquiries

__all__ = ["Records", "read_enquiries"]

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
