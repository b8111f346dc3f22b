"""A finished report takes the place of the last one."""
