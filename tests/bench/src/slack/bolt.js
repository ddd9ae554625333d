// The same command with Slack's own framework, as its documentation says.
const { App, HTTPReceiver } = require('@slack/bolt');

const { LISTEN_PORT, SIGNING_SECRET, BOT_TOKEN, API_URL, ASKS_WHO } = process.env;

const receiver = new HTTPReceiver({
  signingSecret: SIGNING_SECRET,
  endpoints: '/slack/commands',
  processBeforeResponse: true,
  customRoutes: [{
    path: '/readyz',
    method: 'GET',
    handler: (request, response) => response.writeHead(200).end(),
  }],
});

const app = new App({
  receiver,
  token: BOT_TOKEN,
  processBeforeResponse: true,
  clientOptions: { slackApiUrl: `${API_URL}/` },
});

app.command('/nova', async ({ command, ack, client }) => {
  // Only full members are served, as nova does it; Bolt keeps nothing of the answer by itself.
  if (ASKS_WHO) {
    const { user } = await client.users.info({ user: command.user_id });
    if (user.is_restricted || user.is_bot || user.deleted) {
      await ack('guests and bots are not served');
      return;
    }
  }
  await ack(command.text === 'ping' ? 'pong' : `no command \`${command.text}\``);
});

app.start({ host: '127.0.0.1', port: Number(LISTEN_PORT) });
