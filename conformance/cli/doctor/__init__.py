"""What ``doctor`` looks at before a run: the installation, the surroundings, and the target."""
