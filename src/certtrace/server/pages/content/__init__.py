"""What was recorded, made fit to be seen: escaped, laid out, with its redactions marked."""
