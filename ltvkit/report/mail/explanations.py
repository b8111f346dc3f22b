"""What went wrong with a mail server, and what to do, without what it says of the data."""

import smtplib
import socket
import ssl

from ltvkit.core import redaction
from ltvkit.core.i18n import _
from ltvkit.report.mail.settings import FROM, HOST, PASSWORD, PORT, USER, Server


def explain(error: Exception, server: Server, *, sent: bool) -> str:
    """An error of a connection in a sentence with the remedy; `sent`: the mail was under way."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _explain_reply(error, server)
    if isinstance(error, smtplib.SMTPNotSupportedError) or type(error) is smtplib.SMTPException:
        return _explain_lack(server, sent=sent)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, server)
    return _explain_connection(error, server, sent=sent)


def _explain_certificate(error: ssl.SSLCertVerificationError, server: Server) -> str:
    text = _(
        "The certificate of {server} is not to be trusted ({reason}), so nothing was sent. Set "
        "{host} to the name in the certificate. If your own authority signed it, set "
        "SSL_CERT_FILE to the file of that authority."
    )
    said = redaction.foreign(error.verify_message)
    return text.format(server=server.named, reason=said, host=HOST)


def _explain_lack(server: Server, *, sent: bool) -> str:
    """What the server does not offer at all."""
    text = _(
        "{server} knows no login on this connection: check {port}, or leave {user} and {password} "
        "out where it needs none."
    )
    if sent:
        text = _("{server} takes only addresses in ASCII letters. Give such addresses.")
    return text.format(server=server.named, port=PORT, user=USER, password=PASSWORD)


def _explain_reply(error: smtplib.SMTPResponseException, server: Server) -> str:
    """What the server said no to."""
    reply = describe_reply(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        text = _(
            "{server} refused the login ({reply}): check {user} and {password}. Some providers ask "
            "for a password of its own for programs."
        )
    elif isinstance(error, smtplib.SMTPSenderRefused):
        text = _("{server} refused the sender ({reply}): set {sender} to an address of yours.")
    elif isinstance(error, smtplib.SMTPDataError):
        text = _("{server} took the addresses, but not the mail ({reply}).")
    else:
        text = _("{server} refused the connection ({reply}): check {host} and {port}.")
    names = {"user": USER, "password": PASSWORD, "sender": FROM, "host": HOST, "port": PORT}
    return text.format(server=server.named, reply=reply, **names)


def _explain_connection(error: Exception, server: Server, *, sent: bool) -> str:
    if sent:
        text = _(
            "The connection to {server} broke while the mail was sent ({reason}): it may have "
            "arrived. Ask a recipient before you send it again."
        )
    elif isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        text = _(
            "{server} did not answer in time: check {host} and {port}, and whether a firewall is "
            "between."
        )
    else:
        text = _("{server} cannot be reached ({reason}): check {host} and {port}.")
    if isinstance(error, socket.gaierror | UnicodeError):
        said = _("its name is not known")
    else:
        said = redaction.foreign(getattr(error, "strerror", None) or error or type(error).__name__)
    names = {"host": HOST, "port": PORT}
    return text.format(server=server.named, reason=said, **names)


def describe_reply(code: int, text: bytes | str) -> str:
    """The reply of a server, masked, as it may quote anything."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {redaction.foreign(said)}".strip()
