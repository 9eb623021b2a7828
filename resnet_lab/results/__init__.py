"""Result tables: the store, comparison and published figures."""
