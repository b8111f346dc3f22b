"""What pages say about offers: the sentences of `texts.yaml`.

>>> fill("best_sellers")
'best sellers'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
