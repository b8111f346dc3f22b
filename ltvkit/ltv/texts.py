"""What pages say about LTV: the sentences of `texts.yaml` (see `display.texts`).

>>> fill("no_cost")
'No cost of winning a customer is given, so it is not known whether it pays.'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
