#!/usr/bin/env python3
"""What else reads exports: each reader takes the owner and the cart of every record, and counts the records.

    readers.py READER FILE
"""
import os
import sys


def python_csv(path):
    import csv
    with open(path, newline="") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows)
        owner, cart = header.index("customer_id"), header.index("cart_id")
        return sum(1 for row in rows if row[owner] and row[cart])


def polars(path):
    import polars
    return polars.read_csv(path, columns=["customer_id", "cart_id"]).height


def duckdb(path):
    import duckdb
    counts = duckdb.execute("SELECT count(customer_id), count(cart_id) FROM read_csv(?, header = true)", [path]).fetchone()
    return min(counts)


def lxml(path):
    from lxml import etree
    count = 0
    for _, element in etree.iterparse(path, tag=("association", "customer")):
        if element.tag == "customer":
            owner = element.get("id")
            carts = [cart.get("id") for cart in element.iterfind("carts/cart")]
        elif element.get("cart_id"):
            owner, carts = element.get("customer_id"), [element.get("cart_id")]
        else:
            owner, carts = element.findtext("customer_id"), [element.findtext("cart_id")]
        count += sum(1 for cart in carts if owner and cart)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return count


CSV_READERS = {"Python `csv`": python_csv, "polars `read_csv`": polars, "DuckDB `read_csv`": duckdb}
XML_READERS = {"lxml `iterparse`": lxml}


def others(readers):
    """The names of these readers, and the command of each without its file."""
    from bench import tools
    python = tools()
    for name, reader in readers.items():
        yield name, [python, os.path.abspath(__file__), reader.__name__]


if __name__ == "__main__":
    reader = {reader.__name__: reader for reader in [*CSV_READERS.values(), *XML_READERS.values()]}[sys.argv[1]]
    print(reader(sys.argv[2]))
