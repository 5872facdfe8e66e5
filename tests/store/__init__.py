"""The memory over real database files."""
