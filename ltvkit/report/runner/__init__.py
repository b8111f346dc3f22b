"""Run notebooks in processes of their own, and check whether they finished."""
