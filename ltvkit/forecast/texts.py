"""What pages say about forecasts: the sentences of `texts.yaml` (see `display.texts`).

>>> fill("fitted_to_sample", n=1000, whole=9000)
'Fitted to a random sample: 1,000 of 9,000 customers.'
"""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
