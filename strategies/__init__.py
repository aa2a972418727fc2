"""Which histories are played: the systematic set, Hypothesis strategies around it, and how failures are made small."""
