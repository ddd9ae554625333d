//! Tokens, rate limits and faults.

use super::*;

#[tokio::test]
async fn only_the_bots_own_token_counts() {
    let guild = guild().await;
    let url = format!("{}/users/@me", guild.discord.api_url());
    for header in ["", "Bot wrong", &guild.discord.bot_token()] {
        let answer = guild.http.get(&url).header("authorization", header).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{header}");
    }
    let old = guild.discord.bot_token();
    assert_ne!(guild.discord.rotate_token(), old);
    guild.ok("GET /users/@me", Value::Null).await;
    guild.discord.revoke_token();
    assert_eq!(guild.refused("GET /users/@me", Value::Null).await, (401, 0));
    assert_eq!(guild.discord.invalid_requests(), 4);
    guild.discord.advance(Duration::from_secs(600));
    assert_eq!(guild.discord.invalid_requests(), 0);
    let nameless = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(nameless.get(&url).send().await.unwrap().status(), 403);
    assert_eq!(guild.refused("GET /users/me", Value::Null).await, (404, 0));
    assert_eq!(guild.refused("PUT /users/@me", Value::Null).await, (405, 0));
}

#[tokio::test]
async fn a_bucket_tells_where_it_stands_and_refuses_when_it_is_empty() {
    let guild = guild_of(DiscordOptions { pace: Pace::Real, ..DiscordOptions::default() }).await;
    let path = format!("/channels/{INCIDENTS}/messages");
    let post = || guild.request(Method::POST, &path).json(&json!({ "content": "a" })).send();
    for left in (0..5).rev() {
        let answer = post().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-ratelimit-limit"), "5");
        assert_eq!(header("x-ratelimit-remaining"), left.to_string());
        assert!(header("x-ratelimit-reset-after").parse::<f64>().unwrap() <= 5.0);
        assert_eq!(header("x-ratelimit-bucket").len(), 32);
    }
    let answer = post().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["x-ratelimit-scope"], "user");
    assert_eq!(answer.headers()["retry-after"], "5");
    let body: Value = answer.json().await.unwrap();
    assert!(body["retry_after"].as_f64() <= Some(5.0), "{body}");
    guild.discord.advance(Duration::from_secs(5));
    assert_eq!(post().await.unwrap().status(), 200);
    assert_eq!(guild.discord.invalid_requests(), 1);
}

#[tokio::test]
async fn faults_are_what_they_say() {
    const POST: &str = "POST /channels/{channel_id}/messages";
    let guild = guild().await;
    let path = format!("POST /channels/{INCIDENTS}/messages");
    let body = || json!({ "content": "a" });
    let fault = |fault: Fault| guild.discord.fault(POST, Some("incidents"), 1, fault);
    fault(Fault::TooMany(Duration::from_millis(1500)));
    let (status, answer) = guild.call(&path, body()).await;
    assert_eq!((status, &answer["retry_after"]), (429, &json!(1.5)));
    fault(Fault::Global(Duration::from_secs(1)));
    assert_eq!(guild.call(&path, body()).await.1["global"], true);
    fault(Fault::Status(502));
    assert_eq!(guild.call(&path, body()).await, (502, Value::Null));
    fault(Fault::Error { status: 403, code: 50001, message: "Missing Access".to_owned() });
    assert_eq!(guild.refused(&path, body()).await, (403, 50001));
    assert_eq!(guild.discord.messages("incidents").len(), 0);
    let send = || {
        let request = guild.request(Method::POST, path.split_once(' ').unwrap().1);
        request.json(&body()).send()
    };
    fault(Fault::Drop);
    assert!(send().await.is_err());
    assert_eq!(guild.discord.messages("incidents").len(), 0);
    fault(Fault::LoseReply);
    assert!(send().await.is_err());
    assert_eq!(guild.discord.messages("incidents").len(), 1);
    fault(Fault::Truncated);
    assert_eq!(guild.call(&path, body()).await, (200, Value::Null));
    fault(Fault::Hang);
    let hanging = tokio::spawn(send());
    let begun = guild
        .discord
        .until("the call to hang", |discord| (discord.faults_left() == 0).then_some(()));
    begun.await.unwrap();
    guild.discord.clear_faults();
    assert!(hanging.await.unwrap().is_err());
    let outcomes: Vec<Outcome> =
        guild.discord.journal().into_iter().map(|request| request.outcome).collect();
    assert_eq!(outcomes[0], Outcome::Limited);
    assert_eq!(outcomes[2], Outcome::Faulted);
    assert_eq!(outcomes[5], Outcome::Spoilt);
    assert_eq!(guild.discord.journal()[0].path, "/channels/{channel_id}/messages");
}
