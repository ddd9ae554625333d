//! Discord's published contract (`contracts/discord/`) and `discord.py` against what stands in for
//! Discord: every request, answer, interaction and event is held against it. The judge of the
//! conversations ([`judge`]) is judged here too, by requests that it has to turn down.

mod broken;
mod contract;
mod events;
mod everything;
mod examples;
mod gateway_peer;
mod interaction;
pub(crate) mod judge;
