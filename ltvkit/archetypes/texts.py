"""What pages say about archetypes and loyalty tiers: the sentences of `texts.yaml`.

>>> fill("nobody_twice")[:40]
'the length of a relationship and how oft'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
