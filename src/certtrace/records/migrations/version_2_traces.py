"""Version 2, traces: what older clients say of a trace itself, experiments, times of storing, search, counts.

Observations and scores get a number of their own, which a compaction does not change: the search index names them by
it. Their tables are made anew for it, also because columns that are added stand behind the wide ones.

The statistics are those of a large store: without any SQLite takes the index by time to order one trace by time, and
reads a project for it.
"""

from typing import Final

_OBSERVATION_COLUMNS: Final = """
  project, trace_id, id, parent_observation_id, name, start_time_ns, end_time_ns, level, environment, "release",
  version, user_id, session_id, trace_name, tags, service, outcome, error_type, failure_class, submission_id, candidate,
  grade, grade_max, confidence, is_pass, content_lost, type, is_app_root, public, model, completion_start_time_ns,
  prompt_name, prompt_version, usage_details, cost_details, model_parameters, status_message, metadata, input, output
""".strip()

_SCORE_COLUMNS: Final = """
  project, id, name, value, data_type, timestamp_ns, trace_id, observation_id, session_id, environment, comment,
  metadata
""".strip()

SCRIPT: Final = f"""
CREATE TABLE counts (
  project TEXT PRIMARY KEY,
  traces INTEGER NOT NULL DEFAULT 0,
  observations INTEGER NOT NULL DEFAULT 0,
  scores INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

ALTER TABLE traces ADD COLUMN public INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN bookmarked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN created_at_ns INTEGER;
ALTER TABLE traces ADD COLUMN updated_at_ns INTEGER;
ALTER TABLE traces ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
CREATE INDEX traces_pending ON traces (project) WHERE pending > 0;
CREATE INDEX traces_by_status ON traces (project, status, start_time_ns) WHERE status <> 'ok';
CREATE INDEX traces_by_session ON traces (project, session_id, start_time_ns, created_at_ns, environment)
  WHERE session_id IS NOT NULL;

CREATE TABLE trace_bodies (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  timestamp_ns INTEGER,
  name TEXT,
  user_id TEXT,
  session_id TEXT,
  "release" TEXT,
  version TEXT,
  environment TEXT,
  public INTEGER,
  bookmarked INTEGER,
  tags TEXT NOT NULL,
  created_at_ns INTEGER NOT NULL,
  updated_at_ns INTEGER NOT NULL,
  metadata TEXT,
  input TEXT,
  output TEXT,
  UNIQUE (project, trace_id),
  FOREIGN KEY (project, trace_id) REFERENCES traces ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

ALTER TABLE observations RENAME TO observations_1;
CREATE TABLE observations (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
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
  bookmarked INTEGER NOT NULL DEFAULT 0,
  created_at_ns INTEGER,
  updated_at_ns INTEGER,
  model TEXT,
  completion_start_time_ns INTEGER,
  prompt_name TEXT,
  prompt_version INTEGER,
  experiment_id TEXT,
  experiment_dataset_id TEXT,
  experiment_item_id TEXT,
  usage_details TEXT NOT NULL,
  cost_details TEXT NOT NULL,
  model_parameters TEXT NOT NULL,
  experiment TEXT,
  status_message TEXT,
  metadata TEXT NOT NULL,
  input TEXT,
  output TEXT,
  UNIQUE (project, trace_id, id),
  FOREIGN KEY (project, trace_id) REFERENCES traces ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO observations ({_OBSERVATION_COLUMNS})
  SELECT {_OBSERVATION_COLUMNS} FROM observations_1 ORDER BY rowid;
DROP TABLE observations_1;
CREATE INDEX observations_by_time ON observations (project, start_time_ns DESC, id);
CREATE INDEX observations_by_session ON observations (project, session_id, start_time_ns DESC, id)
  WHERE session_id IS NOT NULL;
CREATE INDEX observations_by_user ON observations (project, user_id, start_time_ns DESC, id)
  WHERE user_id IS NOT NULL;
CREATE INDEX observations_by_experiment ON observations (project, experiment_id, start_time_ns, trace_id, id)
  WHERE experiment_id IS NOT NULL;

ALTER TABLE scores RENAME TO scores_1;
CREATE TABLE scores (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
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
  source TEXT NOT NULL DEFAULT 'API',
  dataset_run_id TEXT,
  config_id TEXT,
  queue_id TEXT,
  author_user_id TEXT,
  created_at_ns INTEGER,
  updated_at_ns INTEGER,
  comment TEXT,
  metadata TEXT,
  UNIQUE (project, id)
);
INSERT INTO scores ({_SCORE_COLUMNS})
  SELECT {_SCORE_COLUMNS} FROM scores_1 ORDER BY rowid;
DROP TABLE scores_1;
CREATE INDEX scores_by_trace ON scores (project, trace_id, timestamp_ns);
CREATE INDEX scores_by_time ON scores (project, timestamp_ns DESC, id);
CREATE INDEX scores_by_session ON scores (project, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX scores_by_run ON scores (project, dataset_run_id) WHERE dataset_run_id IS NOT NULL;

INSERT INTO counts (project, traces, observations)
  SELECT project, count(*), sum(observation_count) FROM traces GROUP BY project;
INSERT INTO counts (project, scores) SELECT project, count(*) FROM scores WHERE true GROUP BY project
  ON CONFLICT (project) DO UPDATE SET scores = excluded.scores;
CREATE TABLE search_words (
  project TEXT NOT NULL,
  kind INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  word TEXT NOT NULL,
  places BLOB NOT NULL,
  PRIMARY KEY (project, kind, chunk, word)
) WITHOUT ROWID;
CREATE TABLE search_chunks (
  project TEXT NOT NULL,
  kind INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  documents INTEGER NOT NULL,
  PRIMARY KEY (project, kind, chunk)
) WITHOUT ROWID;
CREATE TABLE search_marks (
  kind INTEGER PRIMARY KEY,
  number INTEGER NOT NULL
);
CREATE TABLE search_queue (
  kind INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (kind, number)
) WITHOUT ROWID;
INSERT INTO search_marks (kind, number) VALUES (0, 0), (1, 0), (2, 0);

ANALYZE search_marks;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('traces', 'traces', '100000 100000 1'),
  ('traces', 'traces_by_time', '100000 100000 1'),
  ('traces', 'traces_by_failure', '100000 100000 50000 1'),
  ('traces', 'traces_by_status', '2000 2000 1000 1'),
  ('traces', 'traces_by_session', '100000 100000 30 1 1 1'),
  ('trace_facets', 'trace_facets', '900000 900000 9 2 1'),
  ('trace_facets', 'trace_facets_by_value', '900000 900000 110000 30 1'),
  ('observations', 'sqlite_autoindex_observations_1', '1000000 1000000 10 1'),
  ('observations', 'observations_by_time', '1000000 1000000 1 1'),
  ('observations', 'observations_by_session', '1000000 1000000 300 1 1'),
  ('observations', 'observations_by_user', '1000000 1000000 300 1 1'),
  ('observations', 'observations_by_experiment', '10000 10000 100 1 1 1'),
  ('scores', 'sqlite_autoindex_scores_1', '100000 100000 1'),
  ('scores', 'scores_by_trace', '100000 100000 2 1'),
  ('scores', 'scores_by_time', '100000 100000 1 1'),
  ('scores', 'scores_by_session', '1000 1000 2'),
  ('scores', 'scores_by_run', '1000 1000 10');
ANALYZE sqlite_schema;

CREATE TRIGGER count_new_trace AFTER INSERT ON traces BEGIN
  INSERT INTO counts (project, traces, observations) VALUES (new.project, 1, new.observation_count)
  ON CONFLICT (project) DO UPDATE SET traces = traces + 1, observations = observations + excluded.observations; END;
CREATE TRIGGER count_changed_trace AFTER UPDATE OF observation_count ON traces
  WHEN new.observation_count <> old.observation_count BEGIN
  UPDATE counts SET observations = observations + new.observation_count - old.observation_count
  WHERE project = new.project; END;
CREATE TRIGGER count_gone_trace AFTER DELETE ON traces BEGIN
  UPDATE counts SET traces = traces - 1, observations = observations - old.observation_count
  WHERE project = old.project; END;
CREATE TRIGGER count_new_score AFTER INSERT ON scores BEGIN
  INSERT INTO counts (project, scores) VALUES (new.project, 1)
  ON CONFLICT (project) DO UPDATE SET scores = scores + 1; END;
CREATE TRIGGER count_gone_score AFTER DELETE ON scores BEGIN
  UPDATE counts SET scores = scores - 1 WHERE project = old.project; END;
"""  # noqa: S608 - columns are constants
