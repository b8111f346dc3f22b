"""What pages say about the stages of the funnel: the sentences of `texts.yaml`.

>>> fill("not_recorded", stages="attention")
'Not recorded, and so not known: attention.'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
