"""The mail itself: a report's summary as plain text and as HTML."""

from collections.abc import Mapping, Sequence
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.errors import ParamsError
from ltvkit.report.pages import summaries

_SUBJECT = 150  # characters


def compose(read: Mapping[str, str], *, sender: str, to: Sequence[str]) -> EmailMessage:
    """A report's summaries (`selection.read_report`) -> a multipart/alternative message.

    Its subject is the title of the summary: shop and month.
    """
    text = summaries.read_text(read[summaries.MARKDOWN])
    message = EmailMessage()
    message["Subject"] = formats.line(text.partition("\n")[0])[:_SUBJECT]
    message["From"], message["To"] = sender, ", ".join(to)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=find_address(sender).partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply
    message.set_content(text)
    message.add_alternative(read[summaries.HTML], subtype="html")
    return message


def find_address(text: str, *, name: str = "--to") -> str:
    """The address in "Shop <shop@example.org>", or in one that stands alone.

    Raises `ParamsError` where it is none, or more than one; `name`: where it was given.

    >>> find_address("The shop <shop@example.org>")
    'shop@example.org'
    """
    text = text.strip()
    try:
        header = HeaderRegistry()("to", text)
        found = header.addresses
        good = len(found) == 1 and found[0].username and found[0].domain and not header.defects
    except (ValueError, IndexError, AttributeError):  # the parser of the library breaks on some
        good = False
    if not good or not text.isprintable():
        said = _("{name}: this is not an e-mail address, which is a name, an @ and a domain.")
        raise ParamsError(said.format(name=name))
    return str(found[0].addr_spec)
