"""The shop of the tutorial, docs/tutorial/first-defect.md."""
