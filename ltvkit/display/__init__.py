"""Finished tables as people see them: numbers, labels, tables and charts."""
