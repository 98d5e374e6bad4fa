#!/usr/bin/env python3
"""Follows the page of a service in a headless Chromium: a run from start to end, an export that fails, an approval, a decline, a
wrong token, a lost connection; light and dark, on a desktop and a phone.

    check_service.py PATH-TO-CARTSYNC [FOLDER-FOR-PICTURES]

Needs selenium, and Debian's chromium and chromium-driver.
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from check_page import SCHEMES, SIZES, browser, contrast

TOKEN = "a-token-for-the-page-of-this-test"
HOSTILE = "fewer<img src=x onerror=\"document.title='owned'\">\u202e.csv"


class Service:
    """A sandbox and a service over an inbox."""

    def __init__(self, cartsync, work):
        self.work, self.inbox = work, work / "inbox"
        self.inbox.mkdir()
        self.sandbox = subprocess.Popen(
            [cartsync, "sandbox", "--port", "0", "--latency", "30ms"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = [self.sandbox.stdout.readline() for _ in range(3)]
        self.cartsync = cartsync
        self.environment = dict(os.environ, **dict(re.findall(r"export (\w+)=(\S+)", "".join(lines))))
        self.start(CARTSYNC_HTTP_APPROVAL_TOKEN=TOKEN)

    def start(self, **environment):
        path = self.work / "serve.log"
        with open(path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.cartsync, "serve", "--state", self.work / "state", "--inbox", self.inbox, "--poll", "500ms",
                 "--settle", "0s", "--http", "127.0.0.1:0", "--rate", "100"],
                env=dict(self.environment, **environment), stderr=log)
        self.url = self.wait(
            lambda: re.search(r"http://127\.0\.0\.1:\d+/", path.read_text(encoding="utf-8")), "address").group()

    def wait(self, condition, what, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        sys.exit(f"no {what} within {seconds} s\n" + (self.work / "serve.log").read_text(encoding="utf-8"))

    def export(self, name, rows):
        text = "customer_id,cart_id\n" + "".join(f"customer-{row % 40},cart-{row}\n" for row in rows)
        (self.work / "export").write_text(text, encoding="utf-8")
        (self.work / "export").rename(self.inbox / name)

    def fault(self, **fault):
        """Lets the sandbox answer otherwise."""
        urllib.request.urlopen(urllib.request.Request(
            self.environment["EPCC_API_BASE_URL"] + "/sandbox/faults", json.dumps(fault).encode(), method="POST")).close()

    def lies(self, folder, name):
        self.wait(lambda: (self.inbox / folder / name).exists(), f"{name} in {folder}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=35)

    def end(self):
        self.stop()
        self.sandbox.terminate()
        self.sandbox.wait()


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 64
    pictures = pathlib.Path(arguments[2]) if len(arguments) == 3 else None
    found = []

    def need(condition, sentence):
        if not condition:
            found.append(sentence)

    with tempfile.TemporaryDirectory() as work:
        service = Service(str(pathlib.Path(arguments[1]).resolve()), pathlib.Path(work))
        driver = browser()
        try:
            follow(service, driver, pictures, need)
        finally:
            driver.quit()
            service.end()
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print("the page: a run, a failure, an approval, a decline, a wrong token, a lost connection, and every look of it")
    return 1 if found else 0


def follow(service, driver, pictures, need):
    def one(selector):
        return driver.find_element(By.CSS_SELECTOR, selector)

    def text(selector="body"):
        return one(selector).text

    def until(condition, what, seconds=20):
        try:
            return WebDriverWait(driver, seconds, poll_frequency=0.1).until(lambda _: condition())
        except Exception:  # selenium has many kinds of them
            need(False, f"never: {what}; the page says: {text()[:600]}")
            return None

    def looks(name):
        """Every look of the page as it is now."""
        for size, (width, height) in SIZES.items():
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"})
            for scheme in SCHEMES:
                driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                    "features": [{"name": "prefers-color-scheme", "value": scheme}]})
                look = f"{name} {size} {scheme}"
                ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
                need((ground == "rgb(255, 255, 255)") == (scheme == "light"), f"{look}: the ground is {ground}")
                wide = driver.execute_script("return document.documentElement.scrollWidth")
                need(wide <= width, f"{look}: the page is {wide} wide")
                for sentence in contrast(driver):
                    need(False, f"{look}: {sentence}")
                if pictures:
                    picture = driver.execute_cdp_cmd(
                        "Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
                    (pictures / f"{name}-{size}-{scheme}.png").write_bytes(base64.b64decode(picture["data"]))
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": SIZES["desktop"][0], "height": SIZES["desktop"][1], "deviceScaleFactor": 1, "mobile": False})

    driver.get(service.url)
    until(lambda: "Idle: no export waits, and none was synced yet" in text("#headline"), "that nothing was synced yet")
    until(lambda: "No runs yet" in text(), "that there are no runs")
    until(lambda: re.search(r"from folder .*\b(now|in \d+ s)\b", text("#jobs"), re.S), "the source and its next poll")
    need(one("#headline").get_attribute("role") == "status", "a change of state is not announced")
    need(not driver.find_elements(By.CSS_SELECTOR, "[aria-live]"), "more is announced than the state")

    looks("nothing")

    # A run is watched from its start to its end.
    service.export("customers.csv", range(1, 601))
    until(lambda: "Syncing customers.csv" in text("#headline"), "the run that began")
    until(lambda: one("#progress").get_attribute("value") not in (None, "", "0"), "its progress")
    before = float(one("#progress").get_attribute("value") or 0)
    until(lambda: float(one("#progress").get_attribute("value") or 0) > before, "that it goes on")
    until(lambda: re.search(r"p50 \d+ ms, p99 \d+ ms", text("#facts")), "latencies")
    until(lambda: "of 100 calls a second" in text("#facts") and "about" in text("#facts"), "rate and time left")
    until(lambda: driver.find_elements(By.CSS_SELECTOR, "#plot path.line"), "the plot of response times")
    until(lambda: driver.find_elements(By.CSS_SELECTOR, "#rates path.line"), "the plot of the rate")
    until(lambda: re.search(r"\d+ created, 0 deleted", text("#facts")), "what was made")
    need(re.search(r"^cartsync \S+ for the store http://127", text("#product")), "store and version are missing")
    until(lambda: float(one("#progress").get_attribute("value") or 0) > 250, "the middle of the run")
    looks("running")
    until(lambda: "the last run did all it had to" in text("#headline"), "that the run has ended")
    until(lambda: "finished" in text("#runs"), "the run among the last ones")
    need(not one("#now").is_displayed(), "a run that has ended is still shown as going on")

    # Times are those of the reader's zone, and on request those of run ids.
    driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    driver.refresh()
    until(lambda: "UTC+05:30" in text("#runs") and "UTC+05:30" in text("#jobs"), "the reader's zone")
    one("#zone").click()
    run = re.search(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-\w+", text("#runs"))
    until(lambda: "{}-{}-{} {}:{}:{} UTC".format(*run.groups()) in text("#runs"), "the time that the run's id has")
    need("UTC+05:30" not in text(), "a time is not in UTC")
    one("#zone").click()
    until(lambda: "UTC+05:30" in text("#runs"), "the reader's zone again")
    driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
    driver.refresh()
    until(lambda: "finished" in text("#runs"), "the runs again")
    until(lambda: re.search(r"Last success\s+[\d-]+ [\d:]+ UTC\S*: customers.csv", text("#jobs")), "the last success")
    until(lambda: re.search(r"\d\d:\d\d:\d\d UTC", text("#runs")), "the zone of the times")
    looks("idle")
    link = one("#runs a")
    need(link.get_attribute("href").endswith("/report.html"), "the run has no link to its report")
    with urllib.request.urlopen(link.get_attribute("href")) as report:
        need("sandbox" in report.headers["Content-Security-Policy"], "the report is not in a sandbox")
        page = report.read().decode("utf-8")
    for neighbour in re.findall(r'<a href="(/[^"]*)"', page):
        with urllib.request.urlopen(service.url.rstrip("/") + neighbour) as answer:
            need(answer.status == 200, f"the report leads to {neighbour}, which is not there")
    need("latency.hlog" in page and "report.json" in page, "the report does not lead to its neighbours")

    # An export that fails is no idle service, until somebody takes it away.
    (service.inbox / "broken.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    until(lambda: "1 export failed: broken.csv" in text("#headline"), "the export that failed")
    until(lambda: re.search(r"Failed: 1 export\s+broken.csv", text("#jobs")), "what lies in failed/")
    need("failed/broken.csv.report/reason.txt" in text("#jobs"), "where the reason is")
    until(lambda: re.search(r"\bfailed\b", text("#runs")), "the failed run among the last ones")
    with urllib.request.urlopen(service.url + "readyz") as answer:
        need("broken.csv" in answer.read().decode("utf-8"), "/readyz does not name what failed")
    looks("failed")
    one("#token").send_keys(TOKEN, Keys.ENTER)
    until(lambda: not one("#key").is_displayed(), "that the token is taken")
    until(lambda: "broken.csv:1: no header line" in text("#jobs") and "reason.txt" not in text("#jobs"), "the reason")
    looks("failed-with-token")
    for path in (service.inbox / "failed").iterdir():
        path.rename(service.work / path.name)
    service.export("customers.csv", range(1, 602))
    until(lambda: "Idle" in text("#headline"), "that all is well again")
    driver.refresh()

    # A refused run waits; a wrong token approves nothing, the right one does, all with the keyboard.
    service.export(HOSTILE, range(1, 302))
    until(lambda: "1 run waits for a person" in text("#headline"), "the run that waits")
    waiting = text("#waiting")
    refused = re.search(r"\d{8}-\d{6}-\w{4}", waiting).group()
    need("300 deletes" in waiting and "customer hidden-" in waiting, "numbers or owners are missing")
    owners = driver.find_elements(By.CSS_SELECTOR, "[aria-label='Owners who would lose the most carts'] tbody tr")
    need(len(owners) == 10, "there are not ten owners")
    until(lambda: "10 shown of 300 deletes" in text(".deletes"), "the first deletes")
    one(".deletes > button").send_keys(Keys.ENTER)
    until(lambda: "20 shown of 300 deletes" in text(".deletes"), "more deletes")
    one(".deletes input").send_keys("cart-444", Keys.ENTER)
    until(lambda: "1 shown of 300 deletes, those that match, to the end" in text(".deletes"), "the delete that was searched")
    one(".deletes input").clear()
    need("runs decline" in waiting, "the command that declines is missing")
    need("Enter the token above first" in waiting, "what is missing is not said")
    need("cartsync runs approve" in waiting, "the command is missing")
    need("\u202e" not in driver.execute_script("return document.documentElement.textContent"), "text may be reordered")
    need(not driver.find_elements(By.CSS_SELECTOR, "img"), "a name became markup")
    need("owned" not in driver.title, "a name has run")
    looks("waiting")
    one("#waiting input[type=number]").send_keys(Keys.ENTER)
    until(lambda: "Enter the token first" in text("#answer"), "that a token is needed")
    need(driver.switch_to.active_element.get_attribute("id") == "token", "the focus is not in the field of the token")
    driver.switch_to.active_element.send_keys("a-wrong-token-of-some-length")
    one("#waiting button.yes").send_keys(Keys.ENTER)
    until(lambda: "not the token" in text("#answer"), "that the token is wrong")
    need((service.inbox / "waiting" / HOSTILE).exists(), "a wrong token let the run go on")
    need(one("#token").get_attribute("value") == "", "a wrong token stays in the field")
    one("#token").send_keys(TOKEN, Keys.ENTER)
    until(lambda: re.search(r"customer customer-\d+", text("#waiting")), "the owners, with the token")
    looks("waiting-with-token")
    one("#waiting button.yes").send_keys(Keys.ENTER)
    until(lambda: "is approved with up to 300 deletes" in text("#answer"), "that the run is approved")
    service.lies("done", HOSTILE)
    with urllib.request.urlopen(urllib.request.Request(
            f"{service.url}api/runs/{refused}/deletes.csv", headers={"Authorization": f"Bearer {TOKEN}"})) as table:
        rows = table.read().decode("utf-8").splitlines()
    need(len(rows) == 301 and rows[0] == "owner_type,owner_id,cart_id", f"the table has {len(rows)} lines")
    until(lambda: not one("#waiting").is_displayed() and "Idle" in text("#headline"), "that nothing waits any more")

    # A run is declined.
    service.export("again.csv", range(1, 21))
    until(lambda: "1 run waits for a person" in text("#headline"), "the second run that waits")
    one("#waiting button.no").send_keys(Keys.ENTER)
    until(lambda: "goes to superseded/" in text("#waiting button.no"), "what declining does")
    one("#waiting button.no").send_keys(Keys.ENTER)
    service.lies("superseded", "again.csv")
    until(lambda: not one("#waiting").is_displayed() and "Idle" in text("#headline"), "that the declined run is gone")

    # The store asks for a pause.
    service.fault(action="answer", status=429, headers={"Retry-After": "15"}, operation="create", count=1)
    service.export("customers.csv", range(1, 1402))
    until(lambda: re.search(r"No calls for \d+ s", text("#head")), "that the store asked for a pause")
    until(lambda: "429" in text("#head") and "Syncing customers.csv" in text("#head"), "why, and what is paused")
    looks("paused")
    until(lambda: "Idle" in text("#headline"), "the end of the pause and of the run", seconds=60)

    # The inbox is away, and back.
    away = service.work / "away"
    service.inbox.rename(away)
    until(lambda: re.search(r"inbox.*(away|gone|not there|missing|cannot)", text("#head"), re.S), "that the inbox is away")
    looks("held")
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(service.url + "readyz")
        need(False, "/readyz says that all is well without an inbox")
    if service.inbox.exists():
        service.inbox.rename(service.work / "made again")
    away.rename(service.inbox)
    until(lambda: "Idle" in text("#headline"), "that the inbox is back")

    # A run is stopped, and let go on.
    driver.refresh()
    until(lambda: "Idle" in text("#headline"), "the page again")
    need("a-token" not in driver.execute_script("return document.documentElement.outerHTML"), "the token was kept")
    service.export("more.csv", range(1, 2002))
    until(lambda: one("#stop").is_displayed(), "the button that stops")
    one("#token").send_keys(TOKEN)
    one("#stop").send_keys(Keys.ENTER)
    until(lambda: "stopped by a person" in text(), "that the stopped run waits")
    one("#waiting button.yes").send_keys(Keys.ENTER)
    service.lies("done", "more.csv")
    until(lambda: "Idle" in text("#headline"), "that the stopped run went on")

    for entry in driver.get_log("browser"):
        # The refusal of a wrong token is an answer that the browser tells of, too.
        need("401" in entry["message"], f"console: {entry['message']}")
    service.stop()
    until(lambda: "No connection" in text("#headline"), "that the connection is lost")
    need(one("#lost").is_displayed() and "What is shown is of" in text("#lost"), "the age of what is shown is missing")
    looks("lost")

    # Without a token the page shows the command, and nothing to press.
    service.start()
    service.export("last.csv", range(1, 11))
    service.lies("waiting", "last.csv")
    driver.get(service.url)
    until(lambda: "cartsync runs approve" in text("#waiting"), "the command")
    need(not driver.find_elements(By.CSS_SELECTOR, "#waiting .approve"), "there is a button without a token")
    need(not one("#token").is_displayed(), "a token is asked for that there is not")


if __name__ == "__main__":
    sys.exit(main(sys.argv))
