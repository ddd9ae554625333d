"""Judges what nova sent to Slack by Slack's own code and schema.

Reads a JSON list of requests on standard input, each {"method", "arguments"} as the sandbox recorded
them ("answer" and "response_url" for what went out without a method). Prints one line for each thing
that is wrong, and how many were judged. Blocks and views are judged by slack_sdk's models, methods by
the published schema (of 2020) and, for what it does not know yet, by slack_sdk's WebClient.
"""

import inspect
import json
import sys

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.web.client import WebClient

SCHEMA = json.load(open(sys.argv[1], encoding="utf-8"))["paths"]
# What the models have grown since they were first published is taken from the client's signatures.
TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}
BLOCKS, FIELD, OPTION = 50, 2000, 75
VIEW = {
    "type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id",
    "clear_on_close", "notify_on_close", "submit_disabled",
}
MESSAGE = {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts"}


def drawn(model):
    """The model as JSON; to_dict validates it and everything within it."""
    try:
        return model.to_dict(), None
    except SlackObjectFormationError as wrong:
        return None, f"{type(model).__name__}: {wrong}"


def parsed(model, raw):
    """The model of raw JSON, or why there is none."""
    try:
        return model(raw), None
    except (TypeError, SlackObjectFormationError) as wrong:
        return None, str(wrong).removeprefix("ABCMeta object argument after ** ")


def lost(raw, again, where):
    """What the model did not take over, and Slack would turn down, wherever it stands."""
    if isinstance(raw, dict) and isinstance(again, dict):
        unknown = sorted(set(raw) - set(again))
        if unknown:
            yield f"{where}: unknown keys {unknown}"
        for key in raw.keys() & again.keys():
            yield from lost(raw[key], again[key], raw[key].get("type", where) if isinstance(raw[key], dict) else where)
    elif isinstance(raw, list) and isinstance(again, list):
        if len(raw) != len(again):
            yield f"{where}: {len(raw) - len(again)} elements that slack_sdk does not know"
        for one, other in zip(raw, again):
            yield from lost(one, other, one.get("type", where) if isinstance(one, dict) else where)


def beyond(element):
    """Limits of docs.slack.dev that the models do not check."""
    for field in element.get("fields", []):
        if len(field.get("text", "")) > FIELD:
            yield f"a field of a section cannot exceed {FIELD} characters"
    for inner in [*element.get("elements", []), element.get("element", {}), element.get("accessory", {})]:
        for option in inner.get("options", []):
            if len(option["text"]["text"]) > OPTION:
                yield f"an option's text cannot exceed {OPTION} characters"


def blocks(given):
    if not isinstance(given, list):
        yield "blocks is not a list"
        return
    for raw in given:
        block, wrong = parsed(Block.parse, raw)
        if block is None:
            yield wrong or f"a block of a type that slack_sdk does not know: {raw.get('type')}"
            continue
        again, wrong = drawn(block)
        if wrong:
            yield wrong
            continue
        yield from lost(raw, again, raw.get("type"))
        yield from beyond(raw)
    ids = [e["action_id"] for b in given for e in b.get("elements", []) if "action_id" in e]
    if len(ids) != len(set(ids)):
        yield "an action_id stands twice"
    ids = [b["block_id"] for b in given if "block_id" in b]
    if len(ids) != len(set(ids)):
        yield "a block_id stands twice"


def view(given):
    unknown = sorted(set(given) - VIEW)
    if unknown:
        yield f"view: unknown keys {unknown}"
    model, wrong = parsed(lambda raw: View(**raw), given)
    if model is None:
        yield wrong
    else:
        _, wrong = drawn(model)
        # What is wrong with its blocks is said below.
        if wrong and wrong.startswith("View: ") and " attribute " not in wrong:
            yield wrong
    if given.get("type") == "modal":
        if "title" not in given:
            yield "a modal without a title"
        if "submit" not in given and any(b.get("type") == "input" for b in given.get("blocks", [])):
            yield "a modal with inputs and without submit"
    yield from blocks(given.get("blocks"))


def value(name, given, kind):
    if kind in TYPES and not isinstance(given, TYPES[kind]) and name not in ("blocks", "metadata", "view", "files"):
        text = isinstance(given, str)
        number = kind in ("integer", "number") and text and given.lstrip("-").isdigit()
        truth = kind == "boolean" and text and given in ("true", "false", "1", "0")
        if not number and not truth:
            yield f"{name} is no {kind}: {given!r}"


def published(method):
    """The parameters by Slack's schema: name -> (type, required)."""
    for operation in SCHEMA.get(f"/{method}", {}).values():
        return {
            p["name"]: (p.get("type"), p.get("required", False))
            for p in operation["parameters"]
            if p["name"] != "token"
        }
    return None


def client(method):
    """The parameters by slack_sdk's client, which is newer than the schema."""
    call = getattr(WebClient, method.replace(".", "_"), None)
    if call is None:
        return None
    return {
        p.name: p.default is inspect.Parameter.empty
        for p in inspect.signature(call).parameters.values()
        if p.name not in ("self", "kwargs")
    }


def method(name, arguments):
    schema, known = published(name), client(name)
    if schema is None and known is None:
        yield "no such method"
        return
    for argument, given in arguments.items():
        if schema and argument in schema:
            yield from value(argument, given, schema[argument][0])
        elif not known or argument not in known:
            yield f"unknown argument {argument}"
    # A method that the schema does not know is held to the client's required arguments.
    required = {n for n, (_, must) in (schema or {}).items() if must}
    if schema is None:
        required = {n for n, must in (known or {}).items() if must}
    # Slack takes the id alone as well; the schema of 2020 wants both.
    # The app-level token travels in the header like any other.
    required -= {"app_token", "external_id"} | ({"view_id"} if "external_id" in arguments else set())
    for missing in sorted(required - set(arguments)):
        yield f"{missing} is missing"


def step(answer):
    """What comes after a form was sent."""
    action = answer["response_action"]
    if action == "errors" and not answer.get("errors"):
        yield "errors are missing"
    elif action in ("update", "push"):
        yield from view(answer.get("view", {}))
    elif action not in ("errors", "clear"):
        yield f"unknown response_action {action}"


def judge(request):
    name, arguments = request["method"], request["arguments"] or {}
    if name == "upload":
        return
    if name in ("answer", "response_url"):
        if "response_action" in arguments:
            yield from step(arguments)
            return
        for unknown in sorted(set(arguments) - MESSAGE):
            yield f"unknown key {unknown}"
    else:
        yield from method(name, arguments)
    if len(arguments.get("blocks", [])) > BLOCKS:
        yield f"a message cannot exceed {BLOCKS} blocks"
    if "blocks" in arguments:
        yield from blocks(arguments["blocks"])
    if "view" in arguments:
        yield from view(arguments["view"])


def main():
    requests = json.load(sys.stdin)
    for request in requests:
        for problem in judge(request):
            print(f"{request['method']}: {problem}")
    print(f"judged {len(requests)}")


main()
