"""An ordinary discord.py app, with a command for each thing that an app does with an interaction.

Reads one line of JSON: {"api_url", "gateway_url", "bot_token", "guild_id", "public_key", "transport"},
where the transport is "gateway" or "http". Prints one line once it is ready: {"url"}, null for the
gateway. Ends at the end of its input and prints then what it saw, as JSON: {"complaints", "forged",
"channels", "events"}, where an event is a list of its name and its contents.

An interaction that differs from the types that discord.py declares is one of the complaints.

discord.py takes interactions from the gateway only. Over HTTP the small server here checks their
signature with PyNaCl, hands them to discord.py, and answers with what discord.py would have sent.
"""

import ast
import asyncio
import json
import logging
import pathlib
import sys

import discord
import yarl
from aiohttp import web
from discord import app_commands
from discord.webhook.async_ import AsyncWebhookAdapter
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

COMPLAINTS = []

# The types are there for checkers: they import each other in a circle, so they are read as text.
SOURCE = pathlib.Path(discord.__file__).parent / "types" / "interactions.py"
CLASSES = {node.name: node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.ClassDef)}
TYPES = {
    2: "ApplicationCommandInteraction",
    3: "MessageComponentInteraction",
    4: "ApplicationCommandInteraction",
    5: "ModalSubmitInteraction",
}
DATA = {
    (2, 1): "ChatInputApplicationCommandInteractionData",
    (4, 1): "ChatInputApplicationCommandInteractionData",
    (2, 3): "MessageApplicationCommandInteractionData",
    (3, 2): "ButtonMessageComponentInteractionData",
    (3, 3): "SelectMessageComponentInteractionData",
    (5, None): "ModalSubmitInteractionData",
}
# Documented, and not declared: "Interaction Structure" and "Message Component Data Structure" in
# developers/interactions/receiving-and-responding, "Autocomplete" in application-commands.
UNDECLARED = {"member", "user", "message", "id", "version"}


def declared(name):
    """The keys of a type, and those that have to be there."""
    known, required = set(), set()
    if name not in CLASSES:
        return known, required
    node = CLASSES[name]
    for base in node.bases:
        more = declared(base.id)
        known, required = known | more[0], required | more[1]
    total = not any(keyword.arg == "total" for keyword in node.keywords)
    for field in node.body:
        if isinstance(field, ast.AnnAssign):
            known.add(field.target.id)
            if total and "NotRequired" not in ast.unparse(field.annotation):
                required.add(field.target.id)
    return known, required


def differs(what, given, name):
    """Complains of keys that are not declared, or missing."""
    known, required = declared(name)
    for key in given.keys() - known - UNDECLARED:
        COMPLAINTS.append(f"{what}: {key} is not declared")
    for key in required - given.keys():
        COMPLAINTS.append(f"{what}: {key} is missing")


def look(payload):
    kind, data = payload["type"], payload["data"]
    differs(f"interaction {kind}", payload, TYPES[kind])
    differs(f"data of interaction {kind}", data, DATA[kind, data.get("type", data.get("component_type"))])


class Complaints(logging.Handler):
    def emit(self, record):
        COMPLAINTS.append(f"{record.levelname} {record.name}: {record.getMessage()}")


class Ask(discord.ui.Modal, title="Ask"):
    name = discord.ui.Label(text="Name", component=discord.ui.TextInput(custom_id="name", max_length=20))
    level = discord.ui.Label(
        text="Level",
        component=discord.ui.Select(
            custom_id="level", options=[discord.SelectOption(label=level) for level in ("high", "low")]
        ),
    )

    def __init__(self):
        super().__init__(custom_id="ask")

    async def on_submit(self, interaction):
        name, level = self.name.component.value, self.level.component.values
        await interaction.response.send_message(f"hello {name} {','.join(level)}", ephemeral=True)


class Choose(discord.ui.View):
    def __init__(self):
        super().__init__(timeout=None)

    @discord.ui.button(label="Go", custom_id="go", style=discord.ButtonStyle.danger)
    async def go(self, interaction, _button):
        await interaction.response.edit_message(content=f"gone {interaction.user.name}", view=None)

    @discord.ui.button(label="Ask", custom_id="form")
    async def form(self, interaction, _button):
        await interaction.response.send_modal(Ask())

    @discord.ui.select(custom_id="pick", options=[discord.SelectOption(label="One", value="1")])
    async def pick(self, interaction, select):
        await interaction.response.defer()
        await interaction.followup.send(f"picked {select.values[0]}", ephemeral=True)


nova = app_commands.Group(name="nova", description="Everything")


@nova.command(description="Say it back")
@app_commands.describe(text="What to say")
async def say(interaction, text: str, times: app_commands.Range[int, 1, 3] = 1):
    await interaction.response.send_message(" ".join([f"you said {text}"] * times), ephemeral=True)


@nova.command(description="Answer later, then once more")
async def slow(interaction):
    await interaction.response.defer(thinking=True)
    await interaction.edit_original_response(content="done", embed=discord.Embed(title="All", description="well"))
    await interaction.followup.send("more", ephemeral=True)


@nova.command(description="Post with buttons")
async def post(interaction):
    await interaction.response.send_message("choose", view=Choose())


@nova.command(description="Open a form")
async def ask(interaction):
    await interaction.response.send_modal(Ask())


@nova.command(description="One of the services")
@app_commands.describe(service="Which one")
async def check(interaction, service: str):
    await interaction.response.send_message(f"checked {service}", ephemeral=True)


@check.autocomplete("service")
async def services(_interaction, typed):
    known = ["api", "auth", "billing"]
    return [app_commands.Choice(name=name.upper(), value=name) for name in known if name.startswith(typed)]


@nova.command(description="Do what an app does in a channel")
async def work(interaction):
    await interaction.response.defer(ephemeral=True)
    channel = interaction.channel
    file = discord.File(fp=__file__, filename="peer.py", description="this app")
    message = await channel.send("first", file=file, nonce="a-nonce", allowed_mentions=discord.AllowedMentions.none())
    await message.edit(content="second")
    await message.pin()
    thread = await message.create_thread(name="talk")
    await thread.send("in the thread")
    seen = [old.content async for old in channel.history(limit=5)]
    direct = await interaction.user.send("for you alone")
    await interaction.edit_original_response(content=f"{seen.count('second')} {direct.channel.type.name}")


@app_commands.context_menu(name="Keep")
async def keep(interaction, message: discord.Message):
    await interaction.response.send_message(f"kept {message.content} of {message.author.name}", ephemeral=True)


class Peer(discord.Client):
    def __init__(self, given):
        intents = discord.Intents(guilds=True, guild_messages=True)
        # All that there is of guilds comes at once.
        super().__init__(intents=intents, enable_debug_events=True, guild_ready_timeout=0.1)
        self.events = []
        self.guild = discord.Object(given["guild_id"])
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(nova, guild=self.guild)
        self.tree.add_command(keep, guild=self.guild)

    async def setup_hook(self):
        self.add_view(Choose())
        await self.tree.sync(guild=self.guild)

    async def on_socket_raw_receive(self, text):
        payload = json.loads(text)
        if payload["op"] != 0:
            return
        self.events.append([payload["t"], payload["d"]])
        if payload["t"] == "INTERACTION_CREATE":
            look(payload["d"])


class Listener:
    """Interactions over HTTP."""

    def __init__(self, peer, public_key):
        self.peer = peer
        self.key = VerifyKey(bytes.fromhex(public_key))
        self.forged = 0
        self.waiting = {}
        listener = self

        async def respond(adapter, interaction_id, token, *, session, params, **_):
            listener.waiting.pop(interaction_id).set_result(params.payload)
            # Until the answer has come, the token allows nothing.
            while params.payload["type"] in (4, 5, 6, 7):
                try:
                    await adapter.get_original_interaction_response(peer.application_id, token, session=session)
                    break
                except discord.NotFound:
                    await asyncio.sleep(0.1)
            return {"interaction": {"id": str(interaction_id), "type": 2}}

        AsyncWebhookAdapter.create_interaction_response = respond

    async def take(self, request):
        body = await request.read()
        try:
            signature = bytes.fromhex(request.headers["X-Signature-Ed25519"])
            self.key.verify(request.headers["X-Signature-Timestamp"].encode() + body, signature)
        except (KeyError, ValueError, BadSignatureError):
            self.forged += 1
            return web.Response(status=401)
        interaction = json.loads(body)
        if interaction["type"] == 1:
            return web.json_response({"type": 1})
        look(interaction)
        answer = asyncio.get_running_loop().create_future()
        self.waiting[int(interaction["id"])] = answer
        self.peer._connection.parse_interaction_create(interaction)
        return web.json_response(await answer)

    async def serve(self):
        app = web.Application()
        app.router.add_post("/interactions", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        return runner, f"http://127.0.0.1:{port}/interactions"


async def main():
    given = json.loads(sys.stdin.readline())
    logging.getLogger("discord").addHandler(Complaints(logging.WARNING))
    logging.getLogger().addHandler(logging.StreamHandler())
    discord.http.Route.BASE = given["api_url"]
    # Compressed is not spoken there, and the library asks for it unless told.
    socket = discord.gateway.DiscordWebSocket
    socket.DEFAULT_GATEWAY = yarl.URL(given["gateway_url"])
    socket.from_client.__func__.__kwdefaults__["compress"] = False

    peer = Peer(given)
    listener, runner, url = None, None, None
    await peer.login(given["bot_token"])
    if given["transport"] == "http":
        listener = Listener(peer, given["public_key"])
        runner, url = await listener.serve()
        connected = None
    else:
        connected = asyncio.create_task(peer.connect())
        ready = asyncio.create_task(peer.wait_until_ready())
        await asyncio.wait([connected, ready], return_when=asyncio.FIRST_COMPLETED)
        if connected.done():
            connected.result()
    print(json.dumps({"url": url}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    seen = {
        "complaints": COMPLAINTS,
        "forged": listener.forged if listener else 0,
        "channels": sorted(channel.name for channel in peer.get_all_channels()),
        "events": peer.events,
    }
    await peer.close()
    if connected:
        await connected
    if runner:
        await runner.cleanup()
    print(json.dumps(seen), flush=True)


asyncio.run(main())
