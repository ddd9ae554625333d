"""Holds deliveries against slack_sdk's SignatureVerifier, as they are and with each byte changed.

Reads a JSON object: {"secret", "deliveries": [{"headers", "body"}]}. Prints a JSON object: "valid",
which deliveries the verifier takes; "changed", how many changed ones it was shown; "taken", those of
them that it took, as [delivery, byte].
"""

import json
import sys

from slack_sdk.signature import SignatureVerifier


def changed(body):
    """The body with one byte changed, for each byte. The lowest bit leaves UTF-8 what it is."""
    for at in range(len(body)):
        yield at, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def main():
    given = json.load(sys.stdin)
    verifier = SignatureVerifier(given["secret"])
    valid, taken, shown = [], [], 0
    for number, delivery in enumerate(given["deliveries"]):
        body, headers = delivery["body"].encode(), delivery["headers"]
        valid.append(verifier.is_valid_request(body, headers))
        for at, other in changed(body):
            shown += 1
            if verifier.is_valid_request(other, headers):
                taken.append([number, at])
    print(json.dumps({"valid": valid, "changed": shown, "taken": taken}))


main()
