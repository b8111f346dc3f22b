"""Whether the orders can be relied on: what became of each line, and checks of the data."""
