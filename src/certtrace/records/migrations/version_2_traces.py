"""Version 2, traces: what older clients say of a trace itself, experiments, times of storing, search."""

from typing import Final

SCRIPT: Final = """
ALTER TABLE observations ADD COLUMN bookmarked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE observations ADD COLUMN created_at_ns INTEGER;
ALTER TABLE observations ADD COLUMN updated_at_ns INTEGER;
ALTER TABLE scores ADD COLUMN source TEXT NOT NULL DEFAULT 'API';
ALTER TABLE scores ADD COLUMN dataset_run_id TEXT;
ALTER TABLE scores ADD COLUMN config_id TEXT;
ALTER TABLE scores ADD COLUMN queue_id TEXT;
ALTER TABLE scores ADD COLUMN author_user_id TEXT;
ALTER TABLE scores ADD COLUMN created_at_ns INTEGER;
ALTER TABLE scores ADD COLUMN updated_at_ns INTEGER;
"""
