"""Who is known in a trace, and how they are found in its text."""
