//! Discord's published contract and a library that many use, against what stands in for Discord:
//! `discord.py` as an app of the sandbox's guild.

mod gateway_peer;
