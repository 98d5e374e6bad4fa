"""Reading what is packed, sealed, or a workbook, beside the plain export."""
import os
import subprocess
import tempfile
import zipfile

from bench import row, size, table
from files import identifiers, write_csv

RECORDS = 1_000_000


def measure(bench):
    table("export", "read by")
    path = bench.generate("export.csv", write_csv, RECORDS)
    plain = os.path.getsize(path)
    row(f"{RECORDS:,} CSV records, plain ({size(path)})", "`cartsync check`", bench.run([bench.cartsync, "check", path]))
    for what, write in (("gzip", gzip), ("zip", packed), ("zstd", zstd), ("bzip2", bzip2)):
        packed_path = bench.generate(f"export.{what}", write, path)
        row(f"the same in {what} ({size(packed_path)})", "", bench.run([bench.cartsync, "check", packed_path]))
    for what, write in (("shared texts", write_shared), ("texts in the cells", write_inline)):
        book = bench.generate("export.xlsx", write, RECORDS)
        row(f"{RECORDS:,} rows of .xlsx, {what} ({size(book)})", "", bench.run([bench.cartsync, "check", book]))
    sealed(bench, path, plain)


def sealed(bench, path, plain):
    """Opening an export that gpg has sealed without compressing it."""
    with tempfile.TemporaryDirectory() as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
               "--trust-model", "always"]
        subprocess.run([*gpg, "--quick-gen-key", "bench", "rsa3072", "default", "never"], check=True)
        fingerprint = [line.split(":")[9] for line in subprocess.run(
            [*gpg, "--list-keys", "--with-colons"], check=True, capture_output=True, text=True).stdout.splitlines()
            if line.startswith("fpr:")][0]
        subprocess.run([*gpg, "--quick-add-key", fingerprint, "rsa3072", "encr", "never"], check=True)
        key = subprocess.run([*gpg, "--armor", "--export-secret-keys"], check=True, capture_output=True, text=True).stdout
        out = bench.path("export.csv.gpg")
        subprocess.run([*gpg, "-r", "bench", "--compress-algo", "none", "-o", out, "-e", path], check=True)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    figure = bench.run([bench.cartsync, "check", out], environment=dict(os.environ, CARTSYNC_EXPORT_DECRYPTION_KEY=key))
    row(f"the same sealed by OpenPGP ({size(out)}, {plain / figure.seconds / 1e6:.0f} MB/s)", "", figure)


def gzip(out, path):
    run(["gzip", "-c", path], out)


def zstd(out, path):
    run(["zstd", "-q", "-c", path], out)


def bzip2(out, path):
    run(["bzip2", "-c", path], out)


def run(command, out):
    with open(out, "wb") as file:
        subprocess.run(command, stdout=file, check=True)


def packed(out, path):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(path, "export.csv")


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write_shared(path, rows):
    """A workbook as Excel writes it: every text is in a table beside the sheet."""
    texts = []

    def cell(place, text):
        texts.append(text)
        return f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>'

    write_book(path, rows, cell, texts)


def write_inline(path, rows):
    """A workbook as other programs write it."""
    write_book(path, rows, lambda place, text: f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>', None)


def write_book(path, rows, cell, texts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
                      '<sheet name="Carts" sheetId="1" r:id="rId1"/></sheets></workbook>')
        shared = "" if texts is None else (
            f'<Relationship Id="rId2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>')
        book.writestr("xl/_rels/workbook.xml.rels", "<Relationships>"
                      f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>{shared}'
                      "</Relationships>")
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            header = "".join(cell(f"{c}1", n) for c, n in zip("ABC", ["customer_id", "cart_id", "cart_name"]))
            lines = [f'<row r="1" spans="1:3">{header}</row>']
            for number, owner in enumerate(identifiers(rows - 1)):
                r = number + 2
                lines.append(f'<row r="{r}" spans="1:3">{cell(f"A{r}", owner)}'
                             f'{cell(f"B{r}", f"cart-{number:09d}")}{cell(f"C{r}", f"Cart {number}")}</row>')
                if len(lines) == 8192:
                    sheet.write("".join(lines).encode())
                    lines.clear()
            sheet.write(("".join(lines) + "</sheetData></worksheet>").encode())
        if texts is not None:
            with book.open("xl/sharedStrings.xml", "w") as file:
                file.write(f'<sst xmlns="{MAIN}">'.encode())
                for start in range(0, len(texts), 8192):
                    file.write("".join(f"<si><t>{text}</t></si>" for text in texts[start:start + 8192]).encode())
                file.write(b"</sst>")
