"""What pages say about hypotheses: the sentences of `texts.yaml` (see `display.texts`).

>>> fill("interval", low=1, high=2)
'1 to 2'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
