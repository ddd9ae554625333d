//! Presses that nova never offered. What comes from outside the platform altogether stands in the
//! platforms' own folders: it is their signatures that keep it out.

use super::{Forgery, Office, Platform, on_every_platform};

on_every_platform!(clicks_that_mean_nothing_any_more_are_answered_kindly);

async fn clicks_that_mean_nothing_any_more_are_answered_kindly(platform: Platform) {
    let office = Office::open(platform).await;
    office.says("ana", "incidents", "health").await;
    let message = office.answers("incidents", 1).await.remove(0);
    let label = &message.buttons.first().expect("there is a button").label;
    for forgery in [Forgery::Unknown, Forgery::Line("rm -rf /"), Forgery::Line("<!channel>")] {
        office.forges(&message, label, forgery).await;
    }
    let told =
        |office: &Office| (office.chat().whispers("incidents", "ana").len() >= 3).then_some(());
    office.until("a line for each of them", told).await;
    assert_eq!(office.ours("incidents").len(), 1, "none of them ran anything");
    office.close().await;
}
