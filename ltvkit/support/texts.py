"""What pages say about enquiries: the sentences of `texts.yaml`."""

from ltvkit.display import texts

TEXTS = texts.read(__name__)
fill = TEXTS.fill
