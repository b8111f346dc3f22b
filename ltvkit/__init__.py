"""ltvkit: customer lifetime value, from an order export to a published monthly report.

Each module is one concept and is used as a namespace:

>>> from ltvkit import customers, deciles, rfm
"""

from ltvkit.core.version import VERSION as __version__

__all__ = ["__version__"]
