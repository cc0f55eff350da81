"""The decoded trace record: its model, the mapping from OTLP, the SQLite store and what reads them."""
