"""How a written value is read: ids, numbers, dates, currencies."""
