# Writes customers.xlsx with openpyxl (inline of what people export): text, numbers, dates, formulas, errors, a hidden sheet.
import datetime, openpyxl
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
book = openpyxl.Workbook()
hidden = book.active
hidden.title = "Old"
hidden.append(["customer_id", "cart_id"]); hidden.append(["c-0", "cart-0"])
hidden.sheet_state = "hidden"
sheet = book.create_sheet("Carts")
sheet.append(["customer_id", "cart_id", "cart_name", "note"])
sheet.append(["5f0c2b6e-93d1-4c55-9a61-0e6f0f5c2d11", "cart-a1", "Gifts, \"red\"", 1.5])
sheet.append(["0b1f6f7c-2c1a-4b0e-8f3d-77d0a4f4f5b2", "cart-a2", "Gar\nden", True])
sheet["A4"] = 1001; sheet["B4"] = "  cart-a3 "; sheet["D4"] = datetime.datetime(2026, 11, 29, 22, 15)
sheet["A6"] = "c-4"; sheet["B6"] = "cart_a4"; sheet["D6"] = "=1+1"
sheet["A7"] = 7; sheet["A7"].number_format = "00000"; sheet["B7"] = 42
sheet["A8"] = "c-8"; sheet["B8"] = "#N/A"; sheet["B8"].data_type = "e"
sheet["A9"] = "c-9"; sheet["B9"] = 1.2345678901234567e+20
sheet["A10"] = "c-10"; sheet["B10"] = datetime.date(2026, 1, 2)
sheet["A11"] = "c-11"; sheet["B11"] = CellRichText("cart-", TextBlock(InlineFont(b=True), "rich"))
book.save("customers.xlsx")
