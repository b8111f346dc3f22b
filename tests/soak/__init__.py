"""Faults at random in whole runs of the report: `make soak`, of which `make test` has a share."""
