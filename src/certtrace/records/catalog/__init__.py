"""What people keep beside traces, project by project: prompts, datasets, score configs, comments, queues, media."""
