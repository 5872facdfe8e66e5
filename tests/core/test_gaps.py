"""What planted defects showed that no other test looked at: each test here kills a mutant of its own."""

from __future__ import annotations

import logging
import sys

from poller.http.redact import RedactingFilter, Redactor


def test_a_traceback_that_quotes_a_secret_is_written_without_it() -> None:
    redactor = Redactor()
    redactor.learn("hunter22")
    try:
        raise ValueError("401 for https://api.example/?q=hunter22")
    except ValueError:
        record = logging.LogRecord("httpx", logging.ERROR, __file__, 1, "it broke", None, sys.exc_info())

    RedactingFilter(redactor).filter(record)

    written = logging.Formatter().format(record)
    assert "ValueError: 401 for https://api.example/?q=***" in written
    assert "hunter22" not in written
