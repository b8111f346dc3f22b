"""Before a measure starts: what it can show, and who is treated."""
