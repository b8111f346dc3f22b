"""What a measure changed: groups, metrics, estimates and their errors."""
