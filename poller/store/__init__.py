"""The memory: everything that outlives a run, in SQL, one transaction at a time."""
