"""One file per story, from the API to the mirror."""
