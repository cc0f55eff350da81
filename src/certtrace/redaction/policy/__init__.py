"""The redaction policy: what is looked for, and what happens to what is found."""
