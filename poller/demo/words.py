"""Invents the demo's records: issues, orders and contacts that read as if somebody had typed them."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

Fields = dict[str, Any]

_FIRST = (
    "Ada",
    "Aksel",
    "Amina",
    "Astrid",
    "Bjørn",
    "Chloé",
    "Dag",
    "Elif",
    "Emil",
    "Farah",
    "Grete",
    "Håkon",
    "Ines",
    "Ivar",
    "Jens",
    "Kari",
    "Leila",
    "Liv",
)
_MORE = (
    "Magnus",
    "Maja",
    "Noor",
    "Oda",
    "Olav",
    "Per",
    "Ragnhild",
    "Sara",
    "Sindre",
    "Sofía",
    "Stian",
    "Tariq",
    "Tove",
    "Ulrik",
    "Vilde",
    "Yusuf",
    "Åse",
)
_LAST = (
    "Andersen",
    "Berg",
    "Dahl",
    "Eide",
    "Fjeld",
    "Haugen",
    "Iversen",
    "Khan",
    "Lie",
    "Moen",
    "Nguyễn",
    "Olsen",
    "Pettersen",
    "Rønning",
)
_FAMILY = (
    "Sandvik",
    "Solberg",
    "Strand",
    "Sørensen",
    "Tveit",
    "Vik",
    "Weiß",
    "Zhao",
    "Østby",
    "O'Brien",
)
_NAMES = (*_FIRST, *_MORE)
_FAMILIES = (*_LAST, *_FAMILY)
_COMPANIES = (
    "Nordlys AS",
    "Fjordkraft & Co",
    "Polar Shipping",
    "Brygga Café",
    "Hansen Møbler",
    "Vidda Outdoor",
)
_CITIES = (("Oslo", "0150"), ("Bergen", "5003"), ("Tromsø", "9008"), ("Århus", "8000"), ("Malmö", "211 20"))
_STREETS = ("Storgata", "Kirkeveien", "Strandgaten", "Parkveien", "Bryggen", "Nygårdsgaten")
_PROJECTS = ("Webshop", "Warehouse app", "Billing", "Customer portal", "Data platform", "Mobile")
_VERBS = ("Login fails", "Report is empty", "Wrong total", "Slow search", "Missing label", "Export stops")
_PLACES = (
    "on the invoice page",
    "after the update",
    "for new customers",
    "in Safari",
    "at month end",
    "on mobile",
)
_STATUSES = ("New", "In progress", "Waiting", "Resolved", "Closed")
_PRIORITIES = ("Low", "Normal", "Normal", "Normal", "High", "Urgent")
_TAGS = ("regression", "customer", "ui", "api", "security", "docs")
_SKUS = (
    ("CH-114", "Oak chair", "1290.00"),
    ("LA-020", "Desk lamp", "449.50"),
    ("TB-301", "Table", "5490.00"),
)
_GOODS = (
    *_SKUS,
    ("RU-077", "Wool rug", "2199.90"),
    ("MG-005", "Mug, blue", "89.95"),
    ("SH-410", "Shelf", "799.00"),
)
_CURRENCIES = ("NOK", "NOK", "NOK", "SEK", "DKK", "EUR")
_PAID = ("pending", "paid", "packed", "shipped", "delivered", "refunded")


def issue(dice: random.Random, number: int) -> Fields:
    """A ticket: nested project and author, sometimes nobody assigned, hours that are null or exact."""
    hours = dice.choice((None, None, Decimal(dice.randint(1, 160)) / 4))
    return {
        "subject": f"{dice.choice(_VERBS)} {dice.choice(_PLACES)}",
        "project": {"id": number % len(_PROJECTS) + 1, "name": _PROJECTS[number % len(_PROJECTS)]},
        "status": dice.choice(_STATUSES),
        "priority": dice.choice(_PRIORITIES),
        "author": person(dice),
        "assigned_to": dice.choice((None, person(dice))),
        "estimated_hours": hours,
        "done_ratio": dice.randrange(0, 101, 10),
        "is_private": dice.random() < 0.05,  # noqa: PLR2004
        "tags": sorted(dice.sample(_TAGS, dice.randint(0, 3))),
    }


def changed_issue(dice: random.Random, old: Fields) -> Fields:
    """Work on a ticket goes on."""
    done = min(100, old["done_ratio"] + 10 * dice.randint(0, 3))
    return {"status": dice.choice(_STATUSES), "done_ratio": done, "priority": dice.choice(_PRIORITIES)}


def order(dice: random.Random, number: int) -> Fields:
    """A sale: line items, amounts with two decimals, a rate with more digits than a double holds."""
    bought = dice.sample(_GOODS, dice.randint(1, 3))
    lines: list[Fields] = [
        {"sku": sku, "name": name, "quantity": dice.randint(1, 4), "price": Decimal(price)}
        for sku, name, price in bought
    ]
    return {
        "number": f"SO-{100_000 + number}",
        "status": dice.choice(_PAID),
        "customer": {**person(dice), "company": dice.choice((None, *_COMPANIES))},
        "currency": dice.choice(_CURRENCIES),
        "total": sum((line["price"] * line["quantity"] for line in lines), Decimal("0.00")),
        "exchange_rate": Decimal(dice.randint(10**20, 2 * 10**21)) / 10**20,
        "lines": lines,
        "shipping": _address(dice),
        "note": dice.choice((None, None, "Leave at the door", "Gift — no invoice, please", 'Ring "Østby"')),
    }


def changed_order(dice: random.Random, old: Fields) -> Fields:
    """A sale takes its next step."""
    later = _PAID[min(_PAID.index(old["status"]) + 1, len(_PAID) - 1)]
    return {"status": later, "note": dice.choice((old["note"], "Delayed one day"))}


def contact(dice: random.Random, number: int) -> Fields:
    """A person: an address, consents as nested flags, a phone number with leading zeros as text."""
    who = person(dice)
    mail = "".join(letter for letter in who["name"].lower().replace(" ", ".") if letter.isascii())
    return {
        "fullName": who["name"],
        "email": f"{mail}.{number}@example.com",
        "phone": f"0047 {dice.randrange(40_000_000, 99_999_999)}",
        "company": dice.choice((None, *_COMPANIES)),
        "address": _address(dice),
        "consents": {"newsletter": dice.random() < 0.5, "profiling": dice.random() < 0.2},  # noqa: PLR2004
        "score": dice.randint(0, 100),
    }


def changed_contact(dice: random.Random, old: Fields) -> Fields:
    """A person is scored again, or moves to another company."""
    return {"score": dice.randint(0, 100), "company": dice.choice((old["company"], *_COMPANIES))}


def person(dice: random.Random) -> Fields:
    """Somebody with an id that goes with the name."""
    first, last = dice.randrange(len(_NAMES)), dice.randrange(len(_FAMILIES))
    return {"id": first * 100 + last, "name": f"{_NAMES[first]} {_FAMILIES[last]}"}


def _address(dice: random.Random) -> Fields:
    city, code = dice.choice(_CITIES)
    return {"street": f"{dice.choice(_STREETS)} {dice.randint(1, 99)}", "postcode": code, "city": city}
