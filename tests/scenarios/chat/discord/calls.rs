//! Which of Discord's routes each kind of call takes, and how they fail. An answer to a command takes the
//! place of its mark, by the interaction's token; everything else is a message of the bot's own.

use nova_sandbox::discord::{self, Caller, Discord, Request};

use crate::chat::driver::{Call, Fault, Sent, Token};

const POST: &str = "POST /channels/{channel_id}/messages";
const ORIGINAL: &str = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original";
const OPEN_DIRECT: &str = "POST /users/@me/channels";

/// Each kind of call, and the routes that it takes.
const ROUTES: [(Call, &[&str]); 7] = [
    (Call::Post, &[POST, ORIGINAL]),
    (
        Call::Update,
        &[
            "PATCH /channels/{channel_id}/messages/{message_id}",
            "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        ],
    ),
    // Outside of an answer one person alone is told something in a direct conversation.
    (Call::Whisper, &[OPEN_DIRECT]),
    (Call::Reply, &["POST /webhooks/{webhook_id}/{webhook_token}"]),
    (Call::Find, &["GET /channels/{channel_id}/messages"]),
    (Call::SetTopic, &["PATCH /channels/{channel_id}"]),
    (Call::Identify, &["GET /users/@me"]),
];

/// Lets the next calls of a kind fail.
pub(super) fn fail(discord: &Discord, call: Call, channel: Option<&str>, times: u32, fault: Fault) {
    let routes = ROUTES.iter().find(|(kind, _)| *kind == call).expect("every call is there").1;
    let error = |status: u16, code: u32, message: &str| discord::Fault::Error {
        status,
        code,
        message: message.to_owned(),
    };
    let fault = match fault {
        Fault::TooMany(pause) => discord::Fault::TooMany(pause),
        Fault::Limited => discord::Fault::Global(std::time::Duration::from_secs(1)),
        Fault::Status(status) => discord::Fault::Status(status),
        Fault::Internal => {
            error(503, 130_000, "API resource is currently overloaded. Try again a little later")
        }
        Fault::Gone => {
            // What is gone is gone by whichever way.
            for route in routes {
                let gone = match (call, *route) {
                    (Call::Update, _) => error(404, 10_008, "Unknown Message"),
                    (Call::Reply, _) => error(404, 10_015, "Unknown Webhook"),
                    (Call::Whisper, _) => error(404, 10_013, "Unknown User"),
                    _ => error(404, 10_003, "Unknown Channel"),
                };
                discord.fault(route, channel, times, gone);
            }
            return;
        }
        Fault::Drop => discord::Fault::Drop,
        Fault::LoseReply => discord::Fault::LoseReply,
        Fault::Truncated => discord::Fault::Truncated,
        Fault::Hang => discord::Fault::Hang,
    };
    discord.fault_any(routes, channel, times, fault);
}

/// A request as scenarios see it.
pub(super) fn sent(request: &Request) -> Sent {
    let route = format!("{} {}", request.method, request.path);
    let found = ROUTES.iter().find(|(_, routes)| routes.contains(&route.as_str()));
    let call = found.map(|(call, _)| *call);
    Sent {
        call,
        shows: matches!(call, Some(Call::Post | Call::Update | Call::Reply)),
        token: match request.caller {
            Caller::Bot | Caller::Webhook | Caller::Answer => Token::Accepted,
            Caller::Former => Token::Revoked,
            Caller::Nobody => Token::Unknown,
        },
    }
}
