//! One incident on Slack and Discord at once: a room and a card on each, in step, and a person with two
//! accounts is one person.

use super::{Guild, Transport};
use crate::chat::driver::{ChatDriver as _, Deed, Driver as _, Shown};
use crate::chat::{Office, Platform, Said};

/// The room of INC-1.
const ROOM: &str = "inc-1-login-hangs";

/// The incident's card on Discord, once it says this.
async fn card(guild: &Guild, text: &str) -> Shown {
    let mut found = None;
    let mut look = || {
        let mut all = guild.messages(ROOM).into_iter().filter(|shown| shown.by_bot);
        found = all.next().filter(|card| card.text.contains(text));
        found.is_some()
    };
    guild.until(&format!("a card with {text}"), &mut look).await.expect("it comes");
    found.expect("it was found")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_on_both_platforms_is_one() {
    let guild = Guild::start(Transport::Gateway).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let token = folder.path().join("token");
    std::fs::write(&token, guild.discord.bot_token()).expect("it can be written");
    let with_discord = |text: String| {
        let section = guild.section();
        let (_, discord) = section.split_once("[discord]").expect("it has its section");
        let kept = format!("{{ file = \"{}\" }}", token.display());
        let discord = discord.replace("{ env = \"BOT\" }", &kept);
        let account = format!("name = \"ana\"\ndiscord = \"{}\"\n", guild.id("ana"));
        text.replace("name = \"ana\"\n", &account) + "[discord]" + &discord
    };
    let office = Office::with(Platform::SlackHttp, with_discord).await;
    guild.connect("").await;
    let declare = Deed::Types { channel: "ops", line: "incident declare high login hangs" };
    let said = guild.does("ana", declare).deliver().await;
    assert!(matches!(&said, Said::Publicly(text) if text.contains("INC-1")), "{said:?}");
    let on_slack = async |text: &str| {
        let look = |office: &Office| {
            let there = office.chat().rooms().iter().any(|name| name == ROOM);
            let card = there.then(|| office.ours(ROOM).into_iter().next()).flatten();
            card.filter(|card| card.text.contains(text))
        };
        office.until(&format!("Slack's card with {text}"), look).await
    };
    // Each card leads to the other's room.
    let slacks = on_slack("Discord, Slack").await;
    card(&guild, "Discord, Slack").await;
    for (members, id) in [
        (office.chat().room(ROOM).members, office.chat().id("ana")),
        (guild.room(ROOM).members, guild.id("ana")),
    ] {
        assert_eq!(members.iter().filter(|member| **member == id).count(), 1, "{members:?}");
    }
    office.presses("ana", &slacks, "Acknowledge").await;
    let discords = card(&guild, "acknowledged").await;
    on_slack("acknowledged").await;
    // The same person, from the other account: it is taken already.
    let again = guild.does("ana", Deed::Types { channel: ROOM, line: "incident ack" });
    let Said::Privately(text) = again.deliver().await else { panic!("nothing was changed") };
    assert!(text.contains("already acknowledged by ana"), "{text}");
    guild.does("ana", Deed::Presses { on: &discords, label: "Resolve" }).deliver().await;
    on_slack("resolved").await;
    card(&guild, "resolved").await;
    let rows = office.timeline().await;
    let by = |kind: &str| -> Vec<_> {
        let of = rows.iter().filter(|row| row.kind.as_str() == kind);
        of.map(|row| row.actor.as_str().to_owned()).collect()
    };
    for kind in ["declared", "acknowledged", "resolved"] {
        assert_eq!(by(kind), ["ana"], "{kind}");
    }
    office.close().await;
    guild.judge();
}
