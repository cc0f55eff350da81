"""Version 2, catalog: prompts, datasets, and runs over them."""

from typing import Final

SCRIPT: Final = """
CREATE TABLE prompts (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (project, name, version)
) WITHOUT ROWID;
"""
