"""Where trials run: each in a worker process of its own, under a parent that plans, watches and records."""
