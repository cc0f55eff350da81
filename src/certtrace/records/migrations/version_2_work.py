"""Version 2, work on traces: score configs, comments, annotation queues, media, model prices."""

from typing import Final

SCRIPT: Final = """
CREATE TABLE score_configs (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (project, id)
) WITHOUT ROWID;
"""
