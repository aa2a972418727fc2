"""Defects from public reports that the suite did not know: each rebuilt in a small shop, and found."""
