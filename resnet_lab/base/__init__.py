"""What every room uses: errors for people, registries, files that are written whole, facts about the machine."""
