"""Asks a Prometheus every query of a dashboard, and whether its alerts know what they ask for.

    check_dashboard.py URL DASHBOARD
"""

import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request

VARIABLES = {"$__rate_interval": "10s", "$job": ".*", "$instance": ".*"}


def ask(url, path, **parameters):
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}") as answer:
        return json.load(answer)["data"]


def main(url, path):
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    now = time.time()
    bad = []
    queries = 0
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers), "two panels have one id"
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            queries += 1
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            found = ask(url, "query_range", query=text, start=now - 15, end=now, step=0.5)["result"]
            values = [float(value) for series in found for _, value in series["values"]]
            if not any(math.isfinite(value) for value in values):
                bad.append(f"{panel['title']}: nothing answers {text}")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            name, label = re.fullmatch(r"label_values\((\w+).*, (\w+)\)", variable["query"]["query"]).groups()
            if not any(label in series for series in ask(url, "series", **{"match[]": name})):
                bad.append(f"variable {variable['name']}: no label {label} of {name}")
    known = set(ask(url, "label/__name__/values"))
    rules = [rule for group in ask(url, "rules")["groups"] for rule in group["rules"]]
    for rule in rules:
        if rule["health"] != "ok":
            bad.append(f"{rule['name']}: {rule.get('lastError', rule['health'])}")
        if rule["state"] != "inactive":
            bad.append(f"{rule['name']}: {rule['state']} where all is well")
        for name in set(re.findall(r"\bcartsync_\w+", rule["query"])) - known:
            bad.append(f"{rule['name']}: no metric {name}")
        for label, value in re.findall(r"(outcome|answer|operation)=~?\"([^\"]*)\"", rule["query"]):
            for word in value.split("|"):
                if word not in ask(url, f"label/{label}/values"):
                    bad.append(f"{rule['name']}: no {label} {word}")
    for problem in bad:
        print(problem)
    print(f"{queries} queries, {len(rules)} alerts")
    return 1 if bad or queries < 15 or len(rules) < 7 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
