"""Version 2, work on traces: score configs, comments, annotation queues, media, model prices."""

from typing import Final

SCRIPT: Final = """
CREATE TABLE score_configs (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  data_type TEXT NOT NULL,
  is_archived INTEGER NOT NULL DEFAULT 0,
  min_value REAL,
  max_value REAL,
  categories TEXT,
  description TEXT,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) WITHOUT ROWID;
CREATE INDEX score_configs_by_time ON score_configs (project, created_at_ns);

CREATE TABLE comments (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  object_type TEXT NOT NULL,
  object_id TEXT NOT NULL,
  content TEXT NOT NULL,
  author_user_id TEXT,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) WITHOUT ROWID;
CREATE INDEX comments_by_time ON comments (project, created_at_ns);
CREATE INDEX comments_by_object ON comments (project, object_type, object_id, created_at_ns);

CREATE TABLE annotation_queues (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  score_config_ids TEXT NOT NULL,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, id),
  UNIQUE (project, name)
) WITHOUT ROWID;

CREATE TABLE annotation_queue_items (
  project TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  id TEXT NOT NULL,
  object_type TEXT NOT NULL,
  object_id TEXT NOT NULL,
  status TEXT NOT NULL,
  completed_at_ns INTEGER,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, queue_id, id),
  FOREIGN KEY (project, queue_id) REFERENCES annotation_queues ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX annotation_queue_items_by_time ON annotation_queue_items (project, queue_id, created_at_ns, id);
CREATE INDEX annotation_queue_items_by_object ON annotation_queue_items (project, object_type, object_id);

CREATE TABLE annotation_queue_assignments (
  project TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (project, queue_id, user_id),
  FOREIGN KEY (project, queue_id) REFERENCES annotation_queues ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE media (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  content_type TEXT NOT NULL,
  content_length INTEGER NOT NULL,
  is_stored INTEGER NOT NULL DEFAULT 0,
  is_redacted INTEGER NOT NULL DEFAULT 0,
  uploaded_at_ns INTEGER,
  upload_http_status INTEGER,
  upload_http_error TEXT,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) WITHOUT ROWID;

CREATE TABLE media_uses (
  project TEXT NOT NULL,
  media_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  part_id TEXT NOT NULL,
  field TEXT NOT NULL,
  PRIMARY KEY (project, media_id, owner, owner_id, part_id, field),
  FOREIGN KEY (project, media_id) REFERENCES media ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX media_uses_by_owner ON media_uses (project, owner, owner_id);

CREATE TABLE models (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  model_name TEXT NOT NULL,
  match_pattern TEXT NOT NULL,
  start_date_ns INTEGER,
  unit TEXT,
  tokenizer_id TEXT,
  tokenizer_config TEXT,
  input_price REAL,
  output_price REAL,
  total_price REAL,
  pricing_tiers TEXT NOT NULL,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, id),
  UNIQUE (project, model_name)
) WITHOUT ROWID;
"""
# A medium belongs to a trace (its part is the observation, or nothing) or to a dataset (its part is the item).
