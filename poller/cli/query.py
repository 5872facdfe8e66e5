"""``poller query``: plain SQL on the mirror, or a stream with a few conditions; it can only read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Context, Option

from poller.cli.failures import UsageError
from poller.cli.options import Options, options_of

if TYPE_CHECKING:
    from poller.cli.query_show import Form
    from poller.store.database import Database

AT_MOST = 100
"""Rows of a stream that a table shows when no limit is given."""

JSON_KEYS = {"query": "The keys are the columns of the answer; a name that comes twice gets `_2`."}

_NAME = re.compile(r"[A-Za-z][\w-]*(\.[\w-]+)?")


def query(  # noqa: PLR0913, PLR0917 (one parameter per option, as typer reads them)
    context: Context,
    sql: Annotated[str, Argument(metavar="SQL|STREAM", help="A statement in quotes, or source.stream.")],
    where: Annotated[str | None, Option("--where", metavar="SQL", help="With a stream: a condition.")] = None,
    order_by: Annotated[str | None, Option("--order-by", metavar="SQL", help="With a stream.")] = None,
    limit: Annotated[int | None, Option("--limit", "-n", min=1, metavar="N", help="With a stream.")] = None,
    columns: Annotated[
        str | None, Option("--columns", metavar="A,B", help="With a stream: only these.")
    ] = None,
    deleted: Annotated[bool, Option("--deleted", help="With a stream: deleted rows, too.")] = False,
    meta: Annotated[
        bool, Option("--meta", help="Show poller's own columns too (_key, _position, …).")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="JSON Lines, keys as the columns.")] = False,
    as_csv: Annotated[bool, Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """Query the mirror with SQL, or name a stream: `poller query crm.people --where "city = 'Oslo'"`.

    A statement runs on a connection that cannot write. Columns that begin with an underscore are
    poller's own: * leaves them out unless --meta. Without --limit, the table of a stream stops at
    100 rows and says so; JSON and CSV never do.
    """
    from poller.cli.opening import reading, settings_of
    from poller.cli.query_show import Form
    from poller.cli.query_text import Wanted, statement

    options = options_of(context)
    settings = settings_of(options)
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of one thing", hint="choose one")
    shape: Literal["table", "json", "csv"] = "json" if as_json else "csv" if as_csv else "table"
    wanted = Wanted(where, order_by, limit, columns, deleted)
    with reading(settings) as database:
        if _NAME.fullmatch(sql):
            at_most = AT_MOST if limit is None and shape == "table" else None
            text = statement(settings, database, sql, wanted, at_most)
            _answer(database, text, Form(shape, meta or columns is not None, at_most), options)
        else:
            wanted.refuse_beside_sql()
            _answer(database, sql, Form(shape, meta, None), options)


def _answer(database: Database, sql: str, form: Form, options: Options) -> None:
    from poller.cli.query_show import show
    from poller.cli.query_text import explained
    from poller.core.errors import StoreError
    from poller.store.views_query import answered

    try:
        with answered(database, sql) as found:
            show(found, sql, form, options)
    except StoreError as error:
        raise explained(database, error) from error
