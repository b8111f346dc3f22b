"""DuckDB, pandas, Polars and Spark behind one way of writing a step."""
