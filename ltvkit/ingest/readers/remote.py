"""Sources on other machines: refused, unless the params say `policies: {remote: true}`.

This machine, and so no other: paths, `file://` without a host, and a PostgreSQL server by a socket
or on a loopback address. All other addresses are remote, and so is a network share.
"""

import ipaddress
import os
import re
from urllib.parse import parse_qs, unquote, urlsplit

from ltvkit.core import redaction
from ltvkit.errors import ParamsError

# One letter and a colon is a drive.
_ADDRESS = re.compile(r"\s*(?P<scheme>[a-z][a-z0-9+.-]+):/", re.I)
_CLOUD = re.compile(r"\s*(md|motherduck):", re.I)  # DuckDB's own service, by name alone
_HOST = re.compile(r"(?:\[([^\]]*)\]|([^,:\[\]]+))(?::\d*)?")  # [::1]:5432 or localhost:5432
# As libpq takes an address apart: what is before an @ is a user, whatever else is in it.
_POSTGRES_PARTS = re.compile(r"\w+:/{0,2}(?:[^@/]*@)?([^/?]*)(?:/[^?]*)?(?:\?(.*))?", re.S)
_FILES = ("file", "duckdb", "sqlite", "sqlite3")
_POSTGRES = ("postgres", "postgresql")


def refuse_remote(source: str, *, allowed: bool) -> None:
    """Raise `ParamsError` for a source on another machine, unless that is `allowed`.

    An address with a password or token in it is refused in any case.

    >>> refuse_remote("data/orders.csv", allowed=False)
    >>> refuse_remote("s3://bucket/orders.parquet", allowed=False)
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: source 's3://bucket/orders.parquet' is on another machine: say ...
    """
    redaction.check("source", source)
    if is_remote(source) and not allowed:
        raise ParamsError(
            f"source {source!r} is on another machine: say `policies: {{remote: true}}` in the "
            "params file if the orders are to come from there, or give a file of this machine."
        )


def is_remote(source: str) -> bool:
    r"""Whether a source is on another machine.

    >>> [is_remote(x) for x in ("C:\\a.csv", r"\\nas\a.csv", "postgresql:///shop", "https://a.b")]
    [False, True, False, True]
    """
    if source.lstrip().startswith(("\\\\", "//")) or _CLOUD.match(source):
        return True
    if not (found := _ADDRESS.match(source)):
        return False
    scheme = found["scheme"].lower()
    if scheme in _POSTGRES:
        return not all(map(_is_local, _list_hosts(source.strip())))
    authority = urlsplit(source.strip()).netloc
    return scheme not in _FILES or authority not in ("", "localhost")


def _list_hosts(address: str) -> list[str]:
    """The hosts that libpq would try: those of the address and its options, else of variables.

    Each variable holds where the address does not say the same: PGHOSTADDR also beside a host.
    """
    authority, query = _POSTGRES_PARTS.fullmatch(address).groups()
    options = parse_qs(query or "")
    named = [host for pair in _HOST.findall(authority) for host in pair]
    named += [h for v in options.get("host", ()) for h in v.split(",")]
    found = [unquote(host) for host in named if host] or [os.environ.get("PGHOST", "")]
    for option in ("hostaddr", "service"):  # a service says where, in a file of its own
        found += options.get(option) or [os.environ.get(f"PG{option.upper()}", "")]
    return found


def _is_local(host: str) -> bool:
    """A socket's folder, this machine's name for itself, or a loopback address."""
    if "," in host:  # of the environment, or escaped in an address: libpq tries one after another
        return all(map(_is_local, host.split(",")))
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
