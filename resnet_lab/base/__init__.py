"""What every room stands on: errors for people, registries, files written whole, facts about the machine."""
