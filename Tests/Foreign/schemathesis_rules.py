"""What Elastic Path's description says in prose and its schemas do not: added to them, so that the checks are strict.

Loaded by schemathesis as its hooks. Only requests and missing status codes are touched, never the schema of an
answer, with the two exceptions that are explained where they are made.
"""

import copy

import schemathesis

SAFE_CHARACTERS = "^[A-Za-z0-9_-]+$"  # Getting Started, Safe Characters: all that a cart id may have
CONTROL = r"\x00-\x1f\x7f-\x9f"

TERM = r'(contains\(account_ids,("[^"]*"|[^(),"]+)\)|ilike\(name,("[^"]*"|[^(),"]+)\))'
FILTER = f"^({TERM}([:|]{TERM})*)?$"  # the grammar that the parameter's description explains

SHOPPER_HEADERS = {"EP-Account-Management-Authentication-Token", "X-Moltin-Customer-Token"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for path, item in raw_schema["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put", "delete"}:
                adjust(path, method, operation, raw_schema)
    schemas = raw_schema.get("components", {}).get("schemas", {})
    if "CartsRequest" in schemas:
        adjust_cart(raw_schema)
        # Answers say that an owner's id is a UUID, requests do not; the sandbox gives back the ids it was given.
        del schemas["RelationshipItem"]["properties"]["id"]["format"]
        adjust_settings(schemas)
    if "CreateAccessToken" in raw_schema.get("components", {}).get("requestBodies", {}):
        adjust_token(raw_schema)


def adjust(path, method, operation, raw_schema):
    responses = operation["responses"]
    if path.startswith("/v2/"):
        # Getting Started, Errors documents 401 for every call; most operations do not list it.
        responses.setdefault("401", json_answer("#/components/schemas/Response.ErrorResponse"))
    # The run has client credentials, and a shopper's token must not be mixed with them.
    operation["parameters"] = [p for p in operation.get("parameters", []) if p["name"] not in SHOPPER_HEADERS]
    for parameter in operation["parameters"]:
        if parameter["name"] == "cartID":
            parameter["schema"].update(pattern=SAFE_CHARACTERS, minLength=1)
        if parameter["name"] == "include":
            # No word and one empty word are the same text, `include=`, which is refused.
            parameter["schema"]["minItems"] = 1
        if parameter["name"] == "filter" and path == "/v2/carts":
            parameter["schema"]["pattern"] = FILTER
    if "/relationships/" in path:
        kind = "customer" if path.endswith("customers") else "account"
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": element(kind)}}}
        if "422" in responses:
            # The examples stand in the schema, where OpenAPI has no such object.
            responses["422"]["content"]["application/json"]["schema"].pop("examples", None)
    if path == "/v2/carts" and method == "get":
        # Getting Started, Filtering shows the error of a bad filter without the `status` that the schema requires.
        schemas = raw_schema["components"]["schemas"]
        schemas["FilterErrorItem"] = copy.deepcopy(schemas["Response.ErrorItem"]) | {"required": ["title"]}
        schemas["FilterErrorResponse"] = copy.deepcopy(schemas["Response.ErrorResponse"])
        schemas["FilterErrorResponse"]["properties"]["errors"]["items"]["$ref"] = "#/components/schemas/FilterErrorItem"
        responses["400"] = json_answer("#/components/schemas/FilterErrorResponse")
    if path == "/v2/settings/cart" and method == "put":
        # Its description shows a 422 for both kinds of discounts together, and does not list it.
        responses["422"] = json_answer("#/components/schemas/Response.ErrorResponse")


def json_answer(reference):
    return {"description": "", "content": {"application/json": {"schema": {"$ref": reference}}}}


def element(kind):
    """`data` is an array of exactly one element of the right type (tags Customer and Account Cart Associations)."""
    return {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "required": ["type", "id"],
                    "properties": {"type": {"const": kind}, "id": {"type": "string", "minLength": 1}},
                },
            }
        },
    }


def adjust_cart(raw_schema):
    schemas, paths = raw_schema["components"]["schemas"], raw_schema["paths"]
    request = schemas["CartsRequest"]
    request["required"] = ["data"]
    data = request["properties"]["data"]
    # "1 to 255 characters", not blank, and no control characters.
    data["properties"]["name"].update(
        minLength=1, maxLength=255, pattern=f"^[^{CONTROL}]*[^\\s{CONTROL}][^{CONTROL}]*$"
    )
    data["properties"]["snapshot_date"] |= {"format": "date-time", "pattern": "^[0-9T:-]{19}Z$"}
    # "Attribute values must correspond to the assigned types. ... a maximum of 20 custom attributes."
    types = {"string": "string", "boolean": "boolean", "integer": "integer", "float": "number"}
    data["properties"]["custom_attributes"] = {
        "type": "object",
        "maxProperties": 20,
        "additionalProperties": {
            "anyOf": [
                {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {"type": {"const": name}, "value": {"type": kind}},
                }
                for name, kind in types.items()
            ]
        },
    }
    # Creating needs a name, updating does not.
    creation = copy.deepcopy(request)
    creation["properties"]["data"]["required"] = ["name"]
    schemas["CartCreation"] = creation
    for operation in (paths["/v2/carts"]["post"], paths["/v2/carts/{cartID}"]["put"]):
        operation["requestBody"]["required"] = True
    paths["/v2/carts"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {
        "$ref": "#/components/schemas/CartCreation"
    }
    # A cart with owners refuses a contact e-mail, which a schema cannot say; only new carts get one here.
    del data["properties"]["contact"]
    for example in paths["/v2/carts/{cartID}"]["put"]["requestBody"]["content"]["application/json"]["examples"].values():
        example["value"]["data"].pop("contact", None)
    paths["/v2/settings/cart"]["put"]["requestBody"]["required"] = True


def adjust_settings(schemas):
    settings = schemas["SettingsCart"]
    settings["required"] = ["data"]
    data = settings["properties"]["data"]["properties"]
    data["type"]["const"] = "settings"
    data["cart_expiry_days"].update(minimum=1, maximum=365)
    data["discounts"]["properties"]["use_rule_promotions"]["const"] = False


def adjust_token(raw_schema):
    body = raw_schema["components"]["requestBodies"]["CreateAccessToken"]
    body["required"] = True
    schema = body["content"]["application/x-www-form-urlencoded"]["schema"]
    # The run's own credentials, so that others must be refused.
    schema["properties"]["client_id"]["const"] = "sandbox-id"
    # "client_secret: Only required for client credentials."
    schema["anyOf"] = [
        {"properties": {"grant_type": {"const": "implicit"}}},
        {
            "properties": {
                "grant_type": {"const": "client_credentials"},
                "client_secret": {"type": "string", "const": "sandbox-secret"},
            },
            "required": ["client_secret"],
        },
    ]
