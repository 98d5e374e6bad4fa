"""How many calls a second the sandbox answers: it must never be what limits a test at 1,000 a second."""
import re
import shutil
import subprocess
import urllib.request

FLIGHT = 32
SECONDS = 5
OWNER = "b3f2b6de-8fd4-4cdf-a9d9-c5f7cecccdfe"

# Each thread counts by itself, so that one cart gets one owner.
ASSOCIATE = """
local number = 0
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
request = function()
  number = number + 1
  return wrk.format("POST", "/v2/carts/cart-" .. number .. "/relationships/customers", nil,
    '{{"data":[{{"type":"customer","id":"{owner}"}}]}}')
end
"""
LIST = """
wrk.headers["Authorization"] = "Bearer {token}"
request = function() return wrk.format("GET", "/v2/carts?page%5Blimit%5D={limit}&page%5Boffset%5D=0") end
"""


def token(environment):
    form = f"grant_type=client_credentials&client_id={environment['EPCC_CLIENT_ID']}&client_secret={environment['EPCC_CLIENT_SECRET']}"
    with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/oauth/access_token", form.encode()) as answer:
        return re.search(r'"access_token":"([^"]+)"', answer.read().decode())[1]


def measure(bench):
    if not shutil.which("wrk"):
        return print("\nwrk is not installed: apt-get install wrk")
    print(f"\nwrk, 1 thread, {FLIGHT} connections, {SECONDS} s, sandbox on the same machine\n")
    print("| call | calls a second | not 2xx |\n|---|---|---|")
    for what, script, more in [
        ("association", ASSOCIATE, {}), ("listing, one cart a page", LIST, {"limit": 1}),
        ("listing, 20 carts a page", LIST, {"limit": 20}), ("listing, 100 carts a page", LIST, {"limit": 100}),
    ]:
        with bench.sandbox("--token-lifetime", "24h") as environment:
            url, bearer = environment["EPCC_API_BASE_URL"], token(environment)
            path = bench.path("calls.lua")
            if script is LIST:
                for number in range(200):
                    request = urllib.request.Request(
                        f"{url}/v2/carts/cart-{number}/relationships/customers",
                        f'{{"data":[{{"type":"customer","id":"{OWNER}"}}]}}'.encode(),
                        {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"})
                    urllib.request.urlopen(request).read()
            with open(path, "w") as file:
                file.write(script.format(token=bearer, owner=OWNER, **more))
            said = subprocess.run(
                ["wrk", "-t1", f"-c{FLIGHT}", f"-d{SECONDS}s", "-s", path, url], capture_output=True, text=True, check=True).stdout
            rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
            wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
            print(f"| {what} | {rate:,.0f} | {wrong[1] if wrong else 0} |", flush=True)
