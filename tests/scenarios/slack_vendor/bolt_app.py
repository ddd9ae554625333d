"""An ordinary slack_bolt app, with a listener for each thing that a workspace sends.

Reads one line of JSON: {"api_url", "bot_token", "app_token", "signing_secret", "transport"}, where the
transport is "http" or "sockets". Prints one line once it listens: {"url"}, null for sockets. Ends at
the end of its input and prints then what Bolt and the SDK complained of, as a JSON list.
"""

import json
import logging
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient

COMPLAINTS = []


class Complaints(logging.Handler):
    def emit(self, record):
        COMPLAINTS.append(f"{record.levelname} {record.name}: {record.getMessage()}")


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def text(words):
    return {"type": "plain_text", "text": words}


FORM = {
    "type": "modal",
    "callback_id": "ask",
    "title": text("Ask"),
    "submit": text("Send"),
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": text("Name"),
            "element": {"type": "plain_text_input", "action_id": "typed"},
        }
    ],
}
BUTTON = {"type": "button", "action_id": "go", "value": "7", "text": text("Go")}


def listeners(app):
    @app.command("/nova")
    def command(ack, respond, say, body, client):
        word, channel = body["text"], body["channel_id"]
        if word == "ask":
            ack()
            client.views_open(trigger_id=body["trigger_id"], view=FORM)
        elif word == "post":
            ack()
            say(text="choose", blocks=[{"type": "actions", "elements": [BUTTON]}])
        elif word == "file":
            ack()
            client.files_upload_v2(
                channel=channel, content="one\ntwo\n", filename="a.txt", title="A", initial_comment="file"
            )
        elif word == "history":
            ack()
            pages = [len(page["messages"]) for page in client.conversations_history(channel=channel, limit=2)]
            say(text=f"pages {pages}")
        elif word == "people":
            ack()
            people = [member["name"] for page in client.users_list(limit=4) for member in page["members"]]
            respond(text=" ".join(people))
        else:
            ack(f"you said {word}")
            respond(text="more", replace_original=False)

    @app.action("go")
    def clicked(ack, respond, body):
        ack()
        respond(text=f"gone {body['actions'][0]['value']}", replace_original=True)

    @app.view("ask")
    def sent(ack, client, body, view):
        name = view["state"]["values"]["name"]["typed"]["value"]
        if name == "bad":
            ack(response_action="errors", errors={"name": "not that one"})
        else:
            ack()
            client.chat_postMessage(channel=body["user"]["id"], text=f"hello {name}")

    @app.event("app_home_opened")
    def home(client, event):
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"for <@{event['user']}>"}}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section]})

    @app.event("app_mention")
    def mentioned(say, event):
        say(text="hi", thread_ts=event["ts"])

    @app.shortcut("keep")
    def kept(ack, client, body):
        ack()
        client.pins_add(channel=body["channel"]["id"], timestamp=body["message_ts"])


def main():
    given = json.loads(sys.stdin.readline())
    logging.getLogger().addHandler(Complaints(logging.WARNING))
    logging.getLogger().addHandler(logging.StreamHandler())
    client = WebClient(token=given["bot_token"], base_url=given["api_url"] + "/")
    app = App(client=client, signing_secret=given["signing_secret"])
    listeners(app)
    url = None
    if given["transport"] == "http":
        server = make_server("127.0.0.1", 0, SlackRequestHandler(app), handler_class=Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/slack/events"
    else:
        sockets = SocketModeHandler(app, given["app_token"], web_client=client)
        sockets.connect()
    print(json.dumps({"url": url}), flush=True)
    sys.stdin.read()
    complaints = list(COMPLAINTS)
    if url is None:
        sockets.close()
    print(json.dumps(complaints), flush=True)


main()
