#!/usr/bin/env python3
"""Makes a run with everything that a report can show, and looks at its report.html in a browser.

usage: check_page.py PATH-TO-CARTSYNC [FOLDER]

The run has 429 answers, pauses, failures, rejected records, and hostile texts wherever a text comes from outside. The
page must show its main elements at the size of a phone and of a desktop, light and dark, need no network, write nothing
to the console, and let none of the hostile texts become markup. With FOLDER the report is left there
in run/, and the page as pictures and as printed. Needs: chromium, chromium-driver, pip install selenium. Exit status 1 where something is wrong.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

# What a name in an export, a name of a file or an answer of the store may try.
SCRIPT = "<script>document.title='owned'</script>"
IMAGE = "\"><img src=x onerror=\"document.title='owned'\">"
BIDI = "\u202egnp.trac\u202c"
LONG = "x" * 10_000
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
SECTIONS = ("changes", "exports", "objectives", "latency", "failures", "rejected", "settings")
PLOTS = ("percentiles", "overtime", "rate")


def make_run(cartsync, work):
    """Runs a sandbox and a sync against it; returns the folder of the report."""
    sandbox = subprocess.Popen(
        [cartsync, "sandbox", "--port", "0", "--latency", "30ms"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = [sandbox.stdout.readline() for _ in range(3)]
        environment = dict(os.environ, **dict(re.findall(r"export (\w+)=(\S+)", "".join(lines))))
        url = environment["EPCC_API_BASE_URL"]

        def fault(**fields):
            body = json.dumps(fields).encode()
            urllib.request.urlopen(urllib.request.Request(url + "/sandbox/faults", body, method="POST")).close()

        def refusal(detail):
            return json.dumps({"errors": [{"status": 400, "title": "Refused", "detail": detail}]})

        fault(action="answer", status=429, headers={"Retry-After": "2"}, operation="create", first=150, count=1)
        fault(action="answer", status=429, headers={"Retry-After": "1"}, operation="create", first=220, count=1)
        fault(action="delay", seconds=1.5, operation="create", first=100, count=3)
        for place, detail in enumerate((SCRIPT, IMAGE, BIDI, LONG)):
            fault(action="answer", status=422, body=refusal(detail), operation="create", cart=f"cart-{10 + place}")
        export = work / "customers' <b>export<\u200b b>.csv"
        rows = [f"customer-{number},cart-{number}" for number in range(1, 401)]
        rows[50:50] = [f'c-1,"{IMAGE.replace(chr(34), chr(34) * 2)}"', f"c-2,{BIDI}", f"c-3,{SCRIPT}", f"c-4,{LONG}"]
        export.write_text("customer_id,cart_id\n" + "\n".join(rows) + "\n", encoding="utf-8")
        result = subprocess.run(
            [cartsync, "sync", "--yes", "--state", work / "state", "--rate", "40", "--max-rejected", "10",
             "--slo", "create.p99<800ms", "--slo", "failed<5%", "--slo", "delete.p99<1s", export],
            env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 8:
            sys.exit(f"the run ended with {result.returncode}, not 8\n{result.stderr}")
    finally:
        sandbox.terminate()
        sandbox.wait()
    return next((work / "state" / "runs").iterdir())


def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"):
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def problems_of_logs(driver):
    """What the console has, and every address that was asked for besides the page itself."""
    found = [f"console: {entry['message']}" for entry in driver.get_log("browser")]
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.endswith("/report.html"):
                found.append(f"network: {url[:200]}")
    return found


def problems_of_page(driver, report, size):
    """Sentences about everything that the page lacks or that does not fit."""
    found = []

    def need(condition, sentence):
        if not condition:
            found.append(sentence)

    def all_of(selector):
        return driver.find_elements(By.CSS_SELECTOR, selector)

    first = all_of("body *")[0]
    need(first.tag_name == "header", "the page does not begin with its verdict")
    # Words are shown without what could reorder them.
    need(report["verdict"]["words"].rstrip(".") in all_of("h1")[0].text, "the heading is not the verdict")
    need("owned" not in driver.title, "a hostile text has run")
    for section in SECTIONS:
        need(all_of(f"section[aria-labelledby={section}] h2#{section}"), f"no section {section}")
    for plot in PLOTS:
        shown = [svg for svg in all_of(f"#plot-{plot} svg.plot") if svg.is_displayed()]
        need(len(shown) == 1, f"the plot {plot} is shown {len(shown)} times")
        for svg in shown:
            need(svg.get_attribute("role") == "img", f"the plot {plot} is no image for a screen reader")
            names = svg.get_attribute("aria-labelledby").split()
            need(all(all_of(f"[id='{name}']") for name in names), f"the plot {plot} is named by nothing")
            need(svg.find_elements(By.CSS_SELECTOR, "path.line"), f"the plot {plot} has no line")
    pauses = [mark for mark in all_of("#plot-rate rect.pause") if mark.is_displayed()]
    # The samples of the legend are rectangles, too.
    need(len(pauses) - 1 == report["latency"]["rate"]["pauses"], f"{len(pauses) - 1} pauses are drawn")
    limited = [mark for mark in all_of("#plot-rate rect.limited") if mark.is_displayed()]
    need(len(limited) > 1, "no 429 is drawn")
    width = driver.execute_script("return document.documentElement.scrollWidth")
    need(width <= SIZES[size][0], f"the page is {width} wide on a {size}")
    tags = {element.tag_name for element in all_of("main *, header *")}
    for tag in ("script", "img", "b", "iframe", "a", "form"):
        need(tag not in tags, f"the page has a {tag}")
    text = driver.execute_script("return document.documentElement.textContent")
    need(SCRIPT in text, "the script of the store's answer is not shown as a text")
    need("\u202e" not in text, "a character that reorders text came through")
    levels = [int(heading.tag_name[1]) for heading in all_of("h1, h2, h3")]
    need(levels[0] == 1 and levels.count(1) == 1, "the page needs one h1, first")
    need(all(after - before <= 1 for before, after in zip(levels, levels[1:])), "a level of headings is left out")
    for table in all_of("table"):
        need(table.find_elements(By.CSS_SELECTOR, "th[scope=col]"), "a table has no column headers")
    for region in all_of(".scroll"):
        need(region.get_attribute("tabindex") == "0", "a table that scrolls cannot be reached with the keyboard")
    for number in (f"{tally['created']:,}" for tally in report["outcomes"].values() if tally["created"]):
        need(number in text, f"{number} is not on the page")
    return found


def contrast(driver):
    """Sentences about texts that are too faint to read (WCAG 2, 4.5 to 1)."""
    return driver.execute_script("""
        const parts = text => text.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => {
            const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
        };
        const ground = light(parts(getComputedStyle(document.body).backgroundColor));
        const found = new Set();
        for (const element of document.querySelectorAll('body *')) {
            const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
            if (!own || element.closest('desc, title')) continue;
            const style = getComputedStyle(element);
            const color = light(parts(element.closest('svg') ? style.fill : style.color));
            const ratio = (Math.max(color, ground) + 0.05) / (Math.min(color, ground) + 0.05);
            if (ratio < 4.5) found.add(`${element.tagName} has a contrast of ${ratio.toFixed(1)}`);
        }
        return [...found];
        """)


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 64
    cartsync = str(pathlib.Path(arguments[1]).resolve())
    pictures = pathlib.Path(arguments[2]) if len(arguments) == 3 else None
    found = []
    with tempfile.TemporaryDirectory() as work:
        folder = make_run(cartsync, pathlib.Path(work))
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        driver = browser()
        try:
            for size, (width, height) in SIZES.items():
                driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                    "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"})
                for scheme in SCHEMES:
                    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                        "features": [{"name": "prefers-color-scheme", "value": scheme}]})
                    driver.get((folder / "report.html").as_uri())
                    ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
                    if (ground == "rgb(255, 255, 255)") != (scheme == "light"):
                        found.append(f"{size} {scheme}: the ground is {ground}")
                    here = problems_of_page(driver, report, size) + contrast(driver) + problems_of_logs(driver)
                    found += [f"{size} {scheme}: {sentence}" for sentence in here]
                    if pictures:
                        picture = driver.execute_cdp_cmd(
                            "Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
                        (pictures / f"{size}-{scheme}.png").write_bytes(base64.b64decode(picture["data"]))
            printed = base64.b64decode(driver.print_page())
            pages = printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ")
            if not printed.startswith(b"%PDF-"):
                found.append("the page cannot be printed")
            if pictures:
                (pictures / "printed.pdf").write_bytes(printed)
                shutil.copytree(folder, pictures / "run", dirs_exist_ok=True)
        finally:
            driver.quit()
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print(f"report.html: {len(SIZES) * len(SCHEMES)} looks, printed on {pages or 'some'} pages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
