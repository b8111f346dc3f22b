"""What pages say about LTV: the sentences of `texts.yaml` (see `display.texts`).

>>> fill("too_low", value="5.00 USD")
'A formula that gives less than 5.00 USD is too low for this shop.'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
