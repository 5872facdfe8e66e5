"""The settings of the demo: what ``poller demo`` runs and ``poller init --example`` writes."""

from __future__ import annotations

import json

KEY_VARIABLE = "POLLER_DEMO_KEY"
"""The environment variable that holds the demo API's key."""

_TEXT = """\
# Mirrors the three streams of the bundled demo API. Each pages and writes time in its own way.
# The API runs with `poller demo --keep`, or by itself: `python -m poller.demo.api --port <port>`.

[database]
url = {url}

[sources.demo]
base_url = {base_url}
timeout = "5s"
concurrency = 4
rate_limit = ["50/second", "1500/minute"]
request_id_header = "X-Request-ID"
auth = {{ type = "api_key", header = "X-API-Key", value = "env:POLLER_DEMO_KEY" }}
retry = {{ attempts = 3, initial = "200ms", maximum = "1s" }}

# Row numbers, oldest change first, timestamps in whole seconds: bulk edits give many issues one second.
[sources.demo.streams.issues]
path = "/issues.json"
params = {{ updated_on = ">={{since}}", sort = "updated_on,id", offset = "{{offset}}", limit = "{{size}}" }}
records = "issues"
key = "id"
updated_at = "updated_on"
order = "asc"
schedule = "1s"
since = {{ format = "rfc3339", bound = "closed", granularity = "1s", lookback = "2s" }}
page = {{ type = "offset", size = 100, total = "total_count" }}

# Newest first, the last key as the cursor, Unix seconds.
[sources.demo.streams.orders]
path = "/v1/orders"
params = {{ "updated[gte]" = "{{since}}", starting_after = "{{cursor}}", limit = "{{size}}" }}
records = "data"
key = "id"
updated_at = "updated"
order = "desc"
schedule = "2s"
since = {{ format = "unix", bound = "closed", lookback = "2s" }}
page = {{ type = "cursor", from_key = true, more = "has_more", size = 100 }}

# The answer holds the URL of the next page; timestamps have milliseconds.
[sources.demo.streams.contacts]
path = "/api/contacts"
params = {{ modifiedSince = "{{since}}", pageSize = "{{size}}" }}
records = "results"
key = "id"
updated_at = "modifiedAt"
order = "asc"
schedule = "1s"
since = {{ format = "rfc3339", bound = "closed", lookback = "2s" }}
page = {{ type = "next_url", next = "next", size = 100 }}
"""


def settings_text(base_url: str, database: str) -> str:
    """The TOML settings for a demo API at ``base_url`` and a mirror in ``database`` (a database URL)."""
    return _TEXT.format(base_url=json.dumps(base_url), url=json.dumps(database))
