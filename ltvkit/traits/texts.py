"""What pages say about the traits of first orders: the sentences of `texts.yaml`.

>>> fill("weekday_0")
'Monday'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
