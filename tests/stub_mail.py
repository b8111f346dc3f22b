"""A mail server on this machine, with a certificate of its own authority, for tests that send."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = "reporter", "correct horse, battery"
HOST = "localhost"


class Inbox:
    """Keeps what arrives, and what came of logins; refuses the addresses `refused`."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.mails, self.logins, self.encrypted, self.refused = [], [], [], refused

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 no such mailbox of zz-secret-words"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def check_login(self, server, session, envelope, mechanism, given):
        good = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(good)
        return AuthResult(success=good, handled=False)


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


class Authority:
    """Signs the server's certificate; `file` has what clients trust."""

    def __init__(self, folder) -> None:
        self.authority, self.file = trustme.CA(), folder / "authority.pem"
        self.authority.cert_pem.write_to_path(self.file)

    def make_context(self, name: str = HOST) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(name).configure_cert(context)
        return context


@contextmanager
def serving(inbox: Inbox, *, tls: ssl.SSLContext | None = None, implicit: bool = False, **options):
    """A server that gives what it gets to `inbox`, while the block runs; yields its port."""
    ways = {"ssl_context": tls} if implicit else {"tls_context": tls, "require_starttls": bool(tls)}
    controller = Controller(
        inbox,
        hostname=HOST,
        port=free_port(),
        authenticator=inbox.check_login,
        auth_require_tls=bool(tls) and not implicit,
        **ways,
        **options,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
