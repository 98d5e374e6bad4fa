"""Reading XML of three forms, beside lxml."""
from bench import row, size, table
from files import ATTRIBUTES, ELEMENTS, NESTED, write_xml
from readers import XML_READERS, others

RECORDS = 1_000_000


def measure(bench):
    table("export", "read by")
    for what, form in (("elements", ELEMENTS), ("attributes", ATTRIBUTES), ("nested", NESTED)):
        path = bench.generate("export.xml", write_xml, RECORDS, form)
        export = f"{RECORDS:,} XML records, {what} ({size(path)})"
        row(export, "`cartsync check`", bench.run([bench.cartsync, "check", path]))
        for reader, arguments in others(XML_READERS):
            row("", reader, bench.run([*arguments, path]))
