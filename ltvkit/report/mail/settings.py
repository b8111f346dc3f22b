"""The mail server that variables of the environment name."""

import os
from dataclasses import dataclass, field

from ltvkit.core.i18n import _
from ltvkit.display import joining
from ltvkit.errors import ParamsError
from ltvkit.report.mail.message import find_address

HOST, PORT, USER, PASSWORD, FROM = (
    f"LTVKIT_SMTP_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "FROM")
)
SUBMISSION, IMPLICIT_TLS = 587, 465  # RFC 6409, RFC 8314


@dataclass(frozen=True)
class Server:
    """A mail server, who sends, and the login where it asks for one."""

    host: str
    port: int
    sender: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def named(self) -> str:
        """The server for a message."""
        return f"{self.host}:{self.port}"


def read_environment() -> Server:
    """The server that LTVKIT_SMTP_HOST, _PORT (587), _FROM, _USER and _PASSWORD name.

    Raises `ParamsError` for what is missing or cannot be, without the values of the login.
    """
    given = {name: os.environ.get(name, "").strip() for name in (HOST, PORT, USER, FROM)}
    password = os.environ.get(PASSWORD, "")
    if missing := [name for name in (HOST, FROM) if not given[name]]:
        text = _("Set {names} in the environment: which server sends mail, and who sends it.")
        raise ParamsError(text.format(names=joining.both(missing)))
    if bool(given[USER]) != bool(password):
        text = _("Set both {user} and {password}, or neither where the server asks for no login.")
        raise ParamsError(text.format(user=USER, password=PASSWORD))
    if not (given[USER] + password).isascii():
        text = _("{user} and {password}: mail servers take ASCII letters, digits and signs only.")
        raise ParamsError(text.format(user=USER, password=PASSWORD))
    port = given[PORT] or str(SUBMISSION)
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        text = _("{port}: give the number of a port, such as {submission}, or {tls} for TLS.")
        raise ParamsError(text.format(port=PORT, submission=SUBMISSION, tls=IMPLICIT_TLS))
    find_address(given[FROM], name=FROM)
    return Server(given[HOST], int(port), given[FROM], given[USER], password)
