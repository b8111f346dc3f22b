"""A cluster for all tests of this folder, which `make test-spark` runs.

`make test` leaves them out: PySpark is no part of what the kit needs.
"""

from __future__ import annotations

import os

import pytest

collect_ignore_glob = [] if "LTVKIT_SPARK" in os.environ else ["*.py"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A master and two workers."""
    from stub_cluster import Cluster

    with Cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture(scope="session")
def session(cluster):
    """A session on the cluster, as a notebook has it."""
    from ltvkit.cluster import session
    from ltvkit.cluster.settings import Settings

    yield session.start(Settings.of(cluster.spark))
    session.close()
