"""What a run writes down and how it is read: journal, typed records, redaction, consistency, counterexamples."""
