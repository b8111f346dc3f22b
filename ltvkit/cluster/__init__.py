"""Orders on a Spark cluster: its session, the door on its workers, ranks without a global sort."""
