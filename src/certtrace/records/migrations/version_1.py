"""Version 1: traces, observations and scores of one process."""

from typing import Final

SCRIPT: Final = """
CREATE TABLE traces (
  project TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  name TEXT NOT NULL,
  start_time_ns INTEGER NOT NULL,
  end_time_ns INTEGER NOT NULL,
  status TEXT NOT NULL,
  is_failed INTEGER NOT NULL,
  observation_count INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  pass_count INTEGER NOT NULL,
  service TEXT,
  environment TEXT NOT NULL,
  "release" TEXT,
  version TEXT,
  user_id TEXT,
  session_id TEXT,
  submission_id TEXT,
  candidate TEXT,
  failure_class TEXT,
  error_type TEXT,
  grade REAL,
  grade_max REAL,
  confidence REAL,
  tags TEXT NOT NULL,
  PRIMARY KEY (project, trace_id)
) WITHOUT ROWID;
CREATE INDEX traces_by_time ON traces (project, start_time_ns);
CREATE INDEX traces_by_failure ON traces (project, is_failed, start_time_ns);

CREATE TABLE trace_facets (
  project TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  start_time_ns INTEGER NOT NULL,
  PRIMARY KEY (project, trace_id, kind, value),
  FOREIGN KEY (project, trace_id) REFERENCES traces ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX trace_facets_by_value ON trace_facets (project, kind, value, start_time_ns);

CREATE TABLE observations (
  project TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  parent_observation_id TEXT,
  name TEXT NOT NULL,
  start_time_ns INTEGER NOT NULL,
  end_time_ns INTEGER NOT NULL,
  level TEXT NOT NULL,
  environment TEXT NOT NULL,
  "release" TEXT,
  version TEXT,
  user_id TEXT,
  session_id TEXT,
  trace_name TEXT,
  tags TEXT NOT NULL,
  service TEXT,
  outcome TEXT,
  error_type TEXT,
  failure_class TEXT,
  submission_id TEXT,
  candidate TEXT,
  grade REAL,
  grade_max REAL,
  confidence REAL,
  is_pass INTEGER NOT NULL,
  content_lost INTEGER NOT NULL,
  type TEXT NOT NULL,
  is_app_root INTEGER NOT NULL,
  public INTEGER NOT NULL,
  model TEXT,
  completion_start_time_ns INTEGER,
  prompt_name TEXT,
  prompt_version INTEGER,
  usage_details TEXT NOT NULL,
  cost_details TEXT NOT NULL,
  model_parameters TEXT NOT NULL,
  status_message TEXT,
  metadata TEXT NOT NULL,
  input TEXT,
  output TEXT,
  PRIMARY KEY (project, trace_id, id),
  FOREIGN KEY (project, trace_id) REFERENCES traces ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE scores (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  value,
  data_type TEXT NOT NULL,
  timestamp_ns INTEGER NOT NULL,
  trace_id TEXT,
  observation_id TEXT,
  session_id TEXT,
  environment TEXT NOT NULL,
  comment TEXT,
  metadata TEXT,
  PRIMARY KEY (project, id)
);
CREATE INDEX scores_by_trace ON scores (project, trace_id, timestamp_ns);
"""
# Wide columns stand last: SQLite reads a row from the front, and a summary must not touch a prompt's overflow pages.
