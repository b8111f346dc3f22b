"""Notebooks run in processes of their own, and judged."""
