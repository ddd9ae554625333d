//! Files beside messages.

use super::*;

fn file(name: &str, bytes: &[u8]) -> Attachment {
    Attachment { name: name.to_owned(), media_type: "text/plain", bytes: bytes.to_vec() }
}

#[tokio::test(start_paused = true)]
async fn files_follow_the_final_state_each_once() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let unfinished = working("asking").file(file("a.txt", b"1"));
    let at = delivery.post(&chat, &conversation("C1"), unfinished).await.unwrap();
    for _ in 0..2 {
        let done = info("done").file(file("a.txt", b"1")).file(file("b.txt", b"2"));
        delivery.update(&chat, &at, done).unwrap();
        delivery.settled(&at).await.unwrap();
    }
    let changed = info("done").file(file("a.txt", b"other"));
    delivery.update(&chat, &at, changed).unwrap();
    let to = conversation("C1");
    let other = delivery.post(&chat, &to, info("x").file(file("a.txt", b"1"))).await.unwrap();
    finish(&delivery, 5).await;
    assert_eq!(script.files_at(&at), ["a.txt", "b.txt", "a.txt"]);
    assert_eq!(script.files_at(&other), ["a.txt"], "the same file of another message is another");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_attached_costs_no_message_and_is_told_once() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    let attaching = [Does::Limit(2), Does::Down, Does::It, Does::Refuse, Does::ItSilently];
    script.plan(Op::Attach, "C1", attaching);
    let names = ["kept.txt", "refused.txt", "lost.txt", "last.txt"];
    let message = names.iter().fold(info("report"), |m, name| m.file(file(name, b"1")));
    let at = delivery.post(&chat, &conversation("C1"), message).await.unwrap();
    // The line that tells it counts as sent.
    finish(&delivery, 2).await;
    assert_eq!(script.files_at(&at), ["kept.txt", "lost.txt", "last.txt"], "nothing came twice");
    let told = "Not attached: refused.txt (the platform refused the message: no), \
                lost.txt (the platform took the message and did not answer)";
    assert_eq!(script.headlines("C1"), ["report", told]);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_takes_no_files_holds_nothing_up_for_long() {
    let script = Script::paced();
    let (delivery, chat) = start(&script);
    script.plan(Op::Attach, "C1", [Does::Down; 100]);
    let to = conversation("C1");
    delivery.post(&chat, &to, info("report").file(file("a.txt", b"1"))).await.unwrap();
    delivery.post(&chat, &to, info("next")).await.unwrap();
    assert!(script.start.elapsed() < Duration::from_secs(90), "{:?}", script.start.elapsed());
    assert_eq!(script.seconds(Op::Attach).len(), 4);
    finish(&delivery, 3).await;
}
