"""One file for each dataset; importing one registers it."""
