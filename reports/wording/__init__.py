"""The sentences and terms that the reports and the terminal share."""
