"""Spark frames that are kept: each is computed once, when it is first read."""

from typing import Any

ADAPTIVE = "spark.sql.adaptive.enabled"


def keep(spark_frame: Any) -> Any:
    """A Spark frame that its cluster keeps once it is computed.

    Its own plan is not adaptive; those of the steps that read it stay so. Spark describes an
    adaptive plan twice with each of its stages, together with all kept frames that it reads: twice
    as much with each level of them. Seven levels deep that is 100,000 lines, and takes longer than
    the work.
    """
    conf = spark_frame.sparkSession.conf
    adaptive = conf.get(ADAPTIVE)
    conf.set(ADAPTIVE, "false")
    try:
        return spark_frame.persist()
    finally:
        conf.set(ADAPTIVE, adaptive)
