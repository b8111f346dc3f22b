"""Orders that lie on a Spark cluster, read where they are."""
