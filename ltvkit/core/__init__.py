"""What all other packages use: files, paths, translation, YAML, personal data and secrets."""
