"""The generated exports: the same bytes in every run."""
import random


def identifiers(count, seed=1):
    """As many different random ids, in the form of UUIDs."""
    generator = random.Random(seed)
    while count > 0:
        some = min(count, 65536)
        digits = generator.randbytes(16 * some).hex()
        for at in range(0, 32 * some, 32):
            yield (f"{digits[at:at + 8]}-{digits[at + 8:at + 12]}-{digits[at + 12:at + 16]}-"
                   f"{digits[at + 16:at + 20]}-{digits[at + 20:at + 32]}")
        count -= some


def write_csv(path, rows, quoted=False, escaped_every=0):
    """A CSV export of about 73 bytes a row.

    `quoted`: quotes around every field. `escaped_every`: in each so many rows the name holds quotes and a line end.
    """
    with open(path, "w", newline="", buffering=1 << 20) as file:
        file.write("customer_id,cart_id,cart_name,token\n")
        lines = []
        for number, owner in enumerate(identifiers(rows)):
            token = owner[:8]
            if escaped_every and number % escaped_every == 0:
                lines.append(f'{owner},cart-{number:09d},"Cart ""{number}""\n2nd",{token}\n')
            elif quoted:
                lines.append(f'"{owner}","cart-{number:09d}","Cart {number}","{token}"\n')
            else:
                lines.append(f"{owner},cart-{number:09d},Cart {number},{token}\n")
            if len(lines) == 8192:
                file.write("".join(lines))
                lines.clear()
        file.write("".join(lines))


ELEMENTS, ATTRIBUTES, NESTED = range(3)


def write_xml(path, records, form=ELEMENTS):
    """An XML export of about 208 bytes a record."""
    with open(path, "w", buffering=1 << 20) as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<export>\n')
        for number, owner in enumerate(identifiers(records)):
            if form == ELEMENTS:
                file.write(
                    f"  <association>\n    <customer_id>{owner}</customer_id>\n"
                    f"    <cart_id>cart-{number:09d}</cart_id>\n    <name>Cart {number}</name>\n"
                    f"    <note>moved &amp; checked, ok</note>\n  </association>\n")
            elif form == ATTRIBUTES:
                file.write(
                    f'  <association customer_id="{owner}" cart_id="cart-{number:09d}"\n    name="Cart of customer {number}"'
                    f' updated="2026-11-20T23:59:59Z"\n    note="moved &amp; checked by the team"/>\n')
            else:
                file.write(
                    f'  <customer id="{owner}">\n    <carts>\n      <cart id="cart-{number:09d}"/>\n    </carts>\n'
                    f"    <name>Customer {number}</name>\n    <note>moved &amp; checked by us</note>\n  </customer>\n")
        file.write("</export>\n")
