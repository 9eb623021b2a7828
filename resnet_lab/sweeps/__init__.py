"""Many trials: the plan, the executors that run it, the worker, the progress display."""
