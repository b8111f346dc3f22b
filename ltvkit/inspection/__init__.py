"""A first look at an order export, and a params file from it."""
