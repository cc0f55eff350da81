"""Version 2, catalog: prompts, datasets, and runs over them."""

from typing import Final

SCRIPT: Final = """
CREATE TABLE prompts (
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  tags TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  commit_message TEXT,
  config TEXT NOT NULL,
  prompt TEXT NOT NULL,
  PRIMARY KEY (project, name, version)
);

CREATE TABLE prompt_labels (
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  version INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (project, name, label)
) WITHOUT ROWID;
CREATE INDEX prompt_labels_by_version ON prompt_labels (project, name, version, position);

CREATE TABLE prompt_dependencies (
  project TEXT NOT NULL,
  parent_name TEXT NOT NULL,
  parent_version INTEGER NOT NULL,
  position INTEGER NOT NULL,
  child_name TEXT NOT NULL,
  child_version INTEGER,
  child_label TEXT,
  PRIMARY KEY (project, parent_name, parent_version, position)
) WITHOUT ROWID;
CREATE INDEX prompt_dependencies_by_child ON prompt_dependencies (project, child_name);

CREATE TABLE datasets (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  description TEXT,
  metadata TEXT NOT NULL,
  input_schema TEXT NOT NULL,
  expected_output_schema TEXT NOT NULL,
  PRIMARY KEY (project, id)
);
CREATE UNIQUE INDEX datasets_by_name ON datasets (project, name);
CREATE INDEX datasets_by_time ON datasets (project, created_at_ns);

CREATE TABLE dataset_items (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  valid_from_ns INTEGER NOT NULL,
  valid_to_ns INTEGER,
  dataset_id TEXT NOT NULL,
  status TEXT NOT NULL,
  is_deleted INTEGER NOT NULL,
  source_trace_id TEXT,
  source_observation_id TEXT,
  created_at_ns INTEGER NOT NULL,
  input TEXT NOT NULL,
  expected_output TEXT NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (project, id, valid_from_ns)
);
CREATE INDEX dataset_items_by_time ON dataset_items (project, dataset_id, valid_from_ns);
CREATE INDEX dataset_items_current ON dataset_items (project, valid_from_ns) WHERE valid_to_ns IS NULL;
CREATE INDEX dataset_items_by_source ON dataset_items (project, source_trace_id) WHERE source_trace_id IS NOT NULL;

CREATE TABLE dataset_runs (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  description TEXT,
  metadata TEXT NOT NULL,
  PRIMARY KEY (project, id)
);
CREATE UNIQUE INDEX dataset_runs_by_name ON dataset_runs (project, dataset_id, name);

CREATE TABLE dataset_run_items (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  dataset_item_id TEXT NOT NULL,
  dataset_item_version_ns INTEGER NOT NULL,
  trace_id TEXT NOT NULL,
  observation_id TEXT,
  created_at_ns INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) WITHOUT ROWID;
CREATE INDEX dataset_run_items_by_run ON dataset_run_items (project, run_id, created_at_ns);
CREATE INDEX dataset_run_items_by_trace ON dataset_run_items (project, trace_id);
"""
# Wide columns stand last: SQLite reads a row from the front, and a list must not touch a prompt's overflow pages.
