"""A thousand answers that no API should give, each through the real voice, judge, scan and store."""
