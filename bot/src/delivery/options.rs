//! How patient delivery is and how much may wait. The composition root sets it.

use std::collections::HashMap;
use std::time::Duration;

use nova_adapters::chat::{Conversation, Platform};

/// How [`Delivery`](super::Delivery) behaves. The default is meant for production, but has no
/// fallback.
#[derive(Clone, Debug)]
pub struct DeliveryOptions {
    /// Where a post goes when its conversation is gone, by platform.
    pub fallback: HashMap<Platform, Conversation>,
    /// The most conversations with something to send, or that sent something within
    /// [`DeliveryOptions::linger`].
    pub lanes: usize,
    /// The most posts that may wait in one conversation.
    pub posts: usize,
    /// The most messages of one conversation that may wait for their newest state.
    pub updates: usize,
    /// How long a conversation's lane stays after its last message; longer where its pace or a pause
    /// asks for it.
    pub linger: Duration,
    /// The longest that one call to a platform may take. Clients have shorter deadlines of their own;
    /// this one is for a client that hangs.
    pub call: Duration,
    /// For posts and updates.
    pub sending: Patience,
    /// For looking whether a post without an answer is there. The post waits for it.
    pub finding: Patience,
    /// For files. The conversation's next post waits for them.
    pub files: Patience,
    /// For calls outside of the lanes, such as an answer to a click.
    pub beside: Patience,
    /// How long a platform's messages wait for a new token once the present one is turned down.
    pub token: Duration,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        let short =
            Patience { attempts: 4, longest: Duration::from_secs(90), ..Patience::default() };
        Self {
            fallback: HashMap::new(),
            lanes: 1_000,
            posts: 64,
            updates: 64,
            linger: Duration::from_secs(30),
            call: Duration::from_secs(30),
            sending: Patience::default(),
            finding: short,
            files: short,
            beside: short,
            token: Duration::from_secs(30),
        }
    }
}

/// When to give up, and how long to wait before another attempt.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The most attempts. Being told to slow down does not count as one.
    pub attempts: u32,
    /// From the first failure on: after this time there is no other attempt.
    pub longest: Duration,
    /// The wait after the first failure; it doubles with each one.
    pub first: Duration,
    /// It does not grow beyond this.
    pub ceiling: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 8,
            longest: Duration::from_secs(300),
            first: Duration::from_millis(500),
            ceiling: Duration::from_secs(30),
        }
    }
}
