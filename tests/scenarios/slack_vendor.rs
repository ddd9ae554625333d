//! Slack's own code and published files against what stands in for Slack: `slack_bolt` as an app of the
//! sandbox's workspace, `slack_sdk`'s verifier for its signatures, the published samples for its
//! answers and payloads, slack-morphism's model for the manifest. The judge of the conversations
//! (`slack/judge.py`) is judged here too, by requests that it has to turn down.

mod api_calls;
mod bolt;
mod everything;
mod judge;
mod listener;
mod manifest;
mod samples;
mod signatures;
