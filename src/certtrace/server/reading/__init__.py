"""What the routes that read traces, observations and scores share: parameters, filters, cursors, JSON shapes."""
