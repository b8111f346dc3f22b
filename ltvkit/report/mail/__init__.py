"""The summary of a published report goes out by mail."""
