"""Everything between the start of a run and its last record: plan, session, trial, shrinking, resuming, budgets."""
