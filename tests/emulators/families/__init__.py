"""Twelve families of APIs, a server each, and beside it the settings that a user would copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.emulators.families.call import Family
from tests.emulators.families.change_token import Events, Persons
from tests.emulators.families.cursor import Contacts
from tests.emulators.families.deletion_feed import Items
from tests.emulators.families.full_list import Countries, Warehouses
from tests.emulators.families.link_header import Issues as LinkedIssues
from tests.emulators.families.model import Model
from tests.emulators.families.modified_since import Invoices, Rates
from tests.emulators.families.next_url import Accounts, Articles
from tests.emulators.families.page_numbers import Orders
from tests.emulators.families.plain import Issues, Tickets
from tests.emulators.families.search import Contacts as FoundContacts
from tests.emulators.families.search import Orders as FoundOrders
from tests.emulators.families.sequence_feed import Changes, Log
from tests.emulators.families.starting_after import Customers
from tests.emulators.families.starting_after import Orders as ChargedOrders

FOLDER = Path(__file__).parent
"""Where the settings stand, ``*.toml``."""

FAMILIES: dict[str, Callable[[Model], Family]] = {
    "plain since": Issues,
    "plain since, one answer": Tickets,
    "page numbers": lambda model: Orders(model, "asc"),
    "page numbers, newest first": lambda model: Orders(model, "desc"),
    "link header": LinkedIssues,
    "cursor with has_more": Contacts,
    "starting_after": Customers,
    "starting_after, newest change first": ChargedOrders,
    "next url, absolute": Articles,
    "next url, relative": Accounts,
    "change token": Events,
    "delta link": Persons,
    "sequence feed": Changes,
    "event log": Log,
    "search by POST, offset": FoundOrders,
    "search by POST, cursor": FoundContacts,
    "modified since": Rates,
    "modified since, pages": Invoices,
    "full list": Countries,
    "full list by offset": Warehouses,
    "feed of deletions": Items,
}
"""Every family and variant by its name; each is one settings file."""


def settings_of(family: Family) -> str:
    """The text of the settings file beside the emulator."""
    return (FOLDER / family.settings).read_text(encoding="utf-8")
