"""The report on results: one HTML file with a verdict, a table, charts and drawings, which asks for nothing else."""
