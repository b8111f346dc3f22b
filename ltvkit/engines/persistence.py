"""Spark frames that are kept: each is computed once, when it is first read."""

from typing import Any

ADAPTIVE = "spark.sql.adaptive.enabled"


def keep(spark_frame: Any) -> Any:
    """A Spark frame that its cluster keeps once it is computed.

    Its own plan is not adaptive; those of the steps that read it stay so. Spark describes an
    adaptive plan twice with each of its stages, together with all kept frames that it reads: twice
    as much with each level of them. Seven levels deep that is 100,000 lines, and takes longer than
    the work. For the steps that read it, its plan ends here: else each of them is planned together
    with all that led to it. What a lost worker had kept is computed again all the same.
    """
    conf = spark_frame.sparkSession.conf
    adaptive = conf.get(ADAPTIVE)
    conf.set(ADAPTIVE, "false")
    try:
        return _end_plan(spark_frame).persist()
    finally:
        conf.set(ADAPTIVE, adaptive)


def _end_plan(spark_frame: Any) -> Any:
    """The same rows, as a frame whose plan is no longer than they are; over Spark Connect the frame
    itself, as a client has no access to its plan."""
    if not hasattr(spark_frame, "_jdf"):
        return spark_frame
    from pyspark.sql.classic.dataframe import DataFrame

    session, rows = spark_frame.sparkSession, spark_frame._jdf.queryExecution().toRdd()
    ended = session._jsparkSession.internalCreateDataFrame(rows, spark_frame._jdf.schema(), False)
    return DataFrame(ended, session)
