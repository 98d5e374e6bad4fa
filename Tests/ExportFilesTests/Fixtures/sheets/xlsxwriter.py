# Writes shared.xlsx with XlsxWriter, which shares texts and counts from 1904 as Excel can.
import datetime, xlsxwriter
book = xlsxwriter.Workbook("shared.xlsx", {"date_1904": True})
bold = book.add_format({"bold": True}); date = book.add_format({"num_format": "dd/mm/yyyy hh:mm"}); zeros = book.add_format({"num_format": "000000"})
sheet = book.add_worksheet("Carts & owners")
sheet.write_row(1, 1, ["customer_id", "cart_id", "cart_name", "when"])
for number in range(200):
    row = number + 2
    sheet.write_string(row, 1, f"c-{number % 20}")
    sheet.write_string(row, 2, f"cart-{number}")
    sheet.write_string(row, 3, "Tea & <cake>" if number % 2 else "_x0041_ \u00e9")
    sheet.write_datetime(row, 4, datetime.datetime(2026, 11, 29, 22, 15), date)
sheet.write_number(202, 1, 17, zeros); sheet.write_formula(202, 2, '="cart"&"-f"', None, "cart-f")
sheet.write_string(203, 1, "c-x"); sheet.write_rich_string(203, 2, "cart-", bold, "r")
sheet.write_string(204, 1, "c-x"); sheet.write_datetime(204, 2, datetime.datetime(2026, 11, 29, 22, 15), date)
book.add_worksheet("Notes").write(0, 0, "nothing")
chart = book.add_chartsheet("Chart"); c = book.add_chart({"type": "bar"}); c.add_series({"values": "='Notes'!$A$1:$A$2"}); chart.set_chart(c)
book.close()
