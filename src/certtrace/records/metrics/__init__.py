"""Numbers over many observations, traces and scores: what may be asked, and the SQL that answers it."""
