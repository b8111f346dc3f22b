"""A shop's hypotheses as files, and the ledger of what was registered and decided."""
