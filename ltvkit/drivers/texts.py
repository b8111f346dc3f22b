"""What pages say about the reasons of a change: the sentences of `texts.yaml`.

>>> fill("no_clear_reason")
'No reason for it stands out from chance.'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
