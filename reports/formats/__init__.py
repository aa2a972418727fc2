"""Reports for programs: JSON, JUnit, SARIF, Markdown, a badge, a statement."""
