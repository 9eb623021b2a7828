"""What people write: YAML with its lines, `extends`, variants, data, recipes, experiments, plug-ins, named files."""
