"""Ground for everything else: files, paths, words, YAML, and what must not be written down."""
