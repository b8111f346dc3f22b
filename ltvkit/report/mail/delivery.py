"""How a message gets to the mail server.

A password goes over an encrypted connection alone, or to this machine.
"""

import ipaddress
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import NamedTuple

from ltvkit.core.i18n import _
from ltvkit.errors import DeliveryError
from ltvkit.report.mail import settings
from ltvkit.report.mail.explanations import describe_reply, explain
from ltvkit.report.mail.message import find_address
from ltvkit.report.mail.settings import Server

SECONDS = 30  # to wait for an answer


class Delivery(NamedTuple):
    """What came of it: refused addresses with the reason, and whether it went over a network
    without encryption."""

    refused: Mapping[str, str]
    is_open: bool


def deliver(server: Server, message: EmailMessage, to: Sequence[str]) -> Delivery:
    """Send a message to the addresses `to`; raises `DeliveryError` where nobody could get it."""
    with _explaining(server, sent=False):
        connection = _connect(server)
    try:
        with _explaining(server, sent=False):
            encrypted = _encrypt(connection, server)
            if server.password:
                _login(connection, server, encrypted=encrypted)
        is_open = not (encrypted or _is_loopback(connection))
        with _explaining(server, sent=True):
            refused = _send(connection, message, find_address(server.sender), to)
    finally:
        with suppress(OSError):  # what was taken is taken, however the server says goodbye
            connection.quit()
        connection.close()
    return Delivery({who: describe_reply(*said) for who, said in refused.items()}, is_open)


def _connect(server: Server) -> smtplib.SMTP:
    if server.port == settings.IMPLICIT_TLS:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=SECONDS)


def _encrypt(connection: smtplib.SMTP, server: Server) -> bool:
    """STARTTLS where the server offers it; whether the connection is encrypted."""
    connection.ehlo_or_helo_if_needed()
    if isinstance(connection, smtplib.SMTP_SSL):
        return True
    if not connection.has_extn("starttls"):
        return False
    connection.starttls(context=ssl.create_default_context())
    connection.ehlo()
    return True


def _login(connection: smtplib.SMTP, server: Server, *, encrypted: bool) -> None:
    if not (encrypted or _is_loopback(connection)):
        text = _(
            "{server} offers no encryption (STARTTLS), so the password was not sent. Ask for its "
            "port with TLS, mostly {tls}, and set it in {port}."
        )
        raise DeliveryError(
            text.format(server=server.named, tls=settings.IMPLICIT_TLS, port=settings.PORT)
        )
    connection.login(server.user, server.password)


def _send(
    connection: smtplib.SMTP, message: EmailMessage, sender: str, to: Sequence[str]
) -> dict[str, tuple[int, bytes]]:
    """Send it to whom the server takes; the others, with its replies."""
    try:
        return connection.send_message(message, sender, [*to])
    except smtplib.SMTPRecipientsRefused as error:
        return error.recipients


def _is_loopback(connection: smtplib.SMTP) -> bool:
    """By the address that was reached, as a name may lead anywhere."""
    reached = connection.sock.getpeername()[0] if connection.sock else ""
    return bool(reached) and ipaddress.ip_address(reached.partition("%")[0]).is_loopback


@contextmanager
def _explaining(server: Server, *, sent: bool) -> Iterator[None]:
    """Raise what goes wrong as `DeliveryError` with the remedy; `sent`: the mail was under way."""
    try:
        yield
    except (OSError, UnicodeError) as error:  # the latter of a name that can be none
        reason = explain(error, server, sent=sent)
    else:
        return
    raise DeliveryError(reason)
