"""Deliberate defects that the suite must catch: a test that cannot fail does not count."""
