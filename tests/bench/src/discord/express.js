// The same command with Express and Discord's own verification, as its documentation says.
const express = require('express');
const { InteractionResponseType, verifyKeyMiddleware } = require('discord-interactions');

const { LISTEN_PORT, PUBLIC_KEY } = process.env;

const app = express();

app.get('/readyz', (request, response) => response.sendStatus(200));

app.post('/discord/interactions', verifyKeyMiddleware(PUBLIC_KEY), (request, response) => {
  response.send({
    type: InteractionResponseType.CHANNEL_MESSAGE_WITH_SOURCE,
    data: { content: 'pong' },
  });
});

app.listen(Number(LISTEN_PORT), '127.0.0.1');
