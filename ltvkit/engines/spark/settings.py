"""The Spark cluster that the params name, checked before anything is started."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from ltvkit.core import files, paths
from ltvkit.errors import ParamsError, nearest

KEYS = ("master", "remote", "storage", "conf")
# What an address may be, and in words.
MASTER = r"local(\[[\d*, ]+\])?|local-cluster\[[\d, ]+\]|yarn|spark://.+|k8s://(https?://)?[^/:]+(:\d+)?/?"
FORMS = {
    "master": (MASTER, "local[*], spark://host:port, yarn or k8s://https://host:port"),
    "remote": (r"local(\[.+\])?|sc://.+", "as in sc://host:15002"),
}
CONNECT = 15002  # the port of a Spark Connect server that names none


@dataclass(frozen=True)
class Settings:
    """A cluster and its options.

    - `master`: "local[*]" (this machine), "spark://host:7077", "yarn" or "k8s://https://host:6443"
    - `remote`: the address of a Spark Connect server instead, "sc://host:15002"
    - `storage`: a folder that all workers see ("hdfs:///ltvkit", "s3a://bucket/ltvkit"), for
      prepared orders and long lists; empty: the project's folder, if the workers can read it
    - `conf`: Spark's own options, by name
    """

    master: str = ""
    remote: str = ""
    storage: str = ""
    conf: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, spark: Mapping[str, Any]) -> Self:
        """`spark:` of a params file -> `Settings`; raises `ParamsError`.

        >>> Settings.of({"master": "spark://localhost:7077"}).servers
        [('localhost', 7077)]
        >>> Settings.of({"mastre": "yarn"})
        Traceback (most recent call last):
        ltvkit.errors.ParamsError: spark: 'mastre' is not known. Did you mean 'master'? Known: ...
        """
        check_types(spark)
        texts = {key: spark.get(key, "") for key in KEYS[:-1]}
        if bool(texts["master"]) == bool(texts["remote"]):
            raise ParamsError(
                'spark: give master, as "spark://host:7077" or "local[*]", or remote, as '
                '"sc://host:15002"; one of them.'
            )
        found = cls(
            **texts, conf={name: _word(value) for name, value in spark.get("conf", {}).items()}
        )
        for key, (form, words) in FORMS.items():
            address = texts[key]
            if address and not (re.fullmatch(form, address) and found._names_hosts()):
                raise ParamsError(f"spark: {key}: {address!r} must be {words}.")
        return found

    @property
    def where(self) -> str:
        """The cluster's address."""
        return self.master or self.remote

    @property
    def servers(self) -> list[tuple[str, int]]:
        """Hosts and ports, one of which must answer; none if the address names no host."""
        address = self.where.removeprefix("k8s://")
        if "://" not in address:
            return []
        hosts = urlsplit(address).netloc.rpartition("@")[2].split(",")
        ports = {"spark": 7077, "sc": CONNECT, "https": 443, "http": 80}
        found = [urlsplit(f"//{host}") for host in hosts]
        return [(h.hostname or "", h.port or ports[urlsplit(address).scheme]) for h in found]

    def _names_hosts(self) -> bool:
        try:
            return all(host for host, _port in self.servers)
        except ValueError:  # not a port
            return False

    @property
    def is_here(self) -> bool:
        """Whether driver and workers are on this machine."""
        hosts = {host for host, _port in self.servers} or {self.where.partition("[")[0]}
        return hosts <= {"local", "localhost", "127.0.0.1"}

    def folder(self, *names: str) -> str:
        """The address of a folder below `storage`."""
        home = self.storage.rstrip("/") or paths.address(paths.cache().resolve())
        return "/".join([home, *names])

    @property
    def options(self) -> dict[str, str]:
        """Options of the session: what the kit needs, then `conf`."""
        known = files.read_yaml(__name__, "options.yaml")
        found = known["everywhere"]
        if self.is_here:
            tasks = str(4 * (os.cpu_count() or 1))
            found |= known["here"] | {"spark.sql.shuffle.partitions": tasks}
        return found | dict(self.conf)


def check_types(spark: Mapping[str, Any]) -> None:
    """Raise `ParamsError` for an unknown key of `spark:`, and for a value of a wrong type."""
    for key, value in spark.items():
        if key not in KEYS:
            raise ParamsError(
                f"spark: '{key}' is not known.{nearest(key, KEYS)} Known: {', '.join(KEYS)}."
            )
        if key != "conf" and not isinstance(value, str):
            raise ParamsError(f"spark: {key}: {value!r} must be text, in quotes.")
    conf = spark.get("conf", {})
    if not isinstance(conf, Mapping):
        raise ParamsError("spark: conf must be a mapping, as in {spark.executor.memory: 8g}.")
    for name, value in conf.items():
        if not isinstance(value, str | int | float):
            raise ParamsError(f"spark: conf: {name}: {value!r} must be one text, as in 8g.")


def _word(value: Any) -> str:
    """The value of an option, as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
