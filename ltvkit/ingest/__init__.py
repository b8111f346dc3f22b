"""From a shop's export to checked order lines."""
