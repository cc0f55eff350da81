"""The SQL of the reading routes: filters, pages by number and by key, rows."""
