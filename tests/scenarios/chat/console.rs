//! A terminal: nova's engine in the test, and one person who types, presses by number and reads. The
//! other people of a conversation sit at the same one, and every channel is this terminal.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use nova::config::{Config, Environment};
use nova::engine::{Engine, Invocation, Line, Outlet, Speaker, converse, open_store};
use nova_adapters::chat::{self, Account, Conversation};
use nova_adapters::console::{Buttons, Console, Pick, Style};
use nova_adapters::message::Action;
use nova_commands::grammar::Dialect;
use nova_commands::platform::Secrets;
use nova_permissions::{Platform, Role};

use super::driver::{Button, ChatDriver, Deed, Delivery, Driver, Said, Shown};
use super::serving::Serving;

const NAME: &str = "terminal";

#[derive(Default)]
pub(super) struct Terminal {
    engine: OnceCell<Engine>,
    said: Cell<u64>,
    buttons: RefCell<Buttons>,
    shown: RefCell<Vec<Shown>>,
}

impl Terminal {
    /// Answers a line, or the number of a button, as the session at the prompt does.
    async fn answer(&self, typed: &str) -> String {
        let line = match self.buttons.borrow().pick(typed) {
            Pick::Command => typed.to_owned(),
            Pick::Press(button) | Pick::Ask { button, .. } => match &button.action {
                Action::Run { line } | Action::Form { line, .. } => line.clone(),
                Action::Link { url } => url.clone(),
            },
            Pick::Missing { offered } => panic!("{typed} is no button; {offered} on offer"),
        };
        let number = self.said.replace(self.said.get() + 1);
        let speaker = Speaker {
            account: Account { platform: chat::Platform::Console, id: "ana".to_owned() },
            platform: Platform::Console,
            person: "ana".to_owned(),
            roles: vec![Role::Viewer, Role::Operator],
        };
        let invocation = Invocation {
            speaker,
            conversation: NAME.to_owned(),
            line: Line::typed(&line, Dialect::Plain),
            dedupe: format!("typed {number}"),
        };
        let printed = Arc::new(Mutex::new(Vec::new()));
        let style = Style { width: 200, colour: false, unicode: true, full: false };
        let console = Console::new(Arc::clone(&printed) as _, style);
        let here = Conversation { platform: chat::Platform::Console, id: NAME.to_owned() };
        let outlet = Outlet { chat: &console, to: &here, pace: Duration::from_millis(10) };
        let engine = self.engine.get().expect("nova was started");
        let answer = converse(engine, &invocation, outlet, pending()).await;
        let message = answer.expect("the terminal takes everything").message;
        let bytes = std::mem::take(&mut *printed.lock().expect("nobody panicked"));
        let text = String::from_utf8(bytes).expect("the terminal is given text");
        let text = text.trim_end().to_owned();
        let button = |(at, label)| Button { label, handle: format!("{}", at + 1) };
        let labels = message.choices().map(|button| button.label).enumerate();
        self.shown.borrow_mut().push(Shown {
            channel: Some(NAME.to_owned()),
            id: number.to_string(),
            text: text.clone(),
            notice: message.headline.clone(),
            buttons: labels.map(button).collect(),
            edits: 0,
            by_bot: true,
        });
        self.buttons.borrow_mut().remember(&message);
        text
    }
}

impl Driver for Terminal {
    fn name(&self) -> &'static str {
        "console"
    }

    fn chat(&self) -> Option<&dyn ChatDriver> {
        None
    }

    fn section(&self) -> String {
        String::new()
    }

    fn secrets(&self) -> HashMap<String, String> {
        HashMap::new()
    }

    fn start<'a>(
        &'a self,
        config: &'a Config,
        secrets: &'a Secrets,
    ) -> LocalBoxFuture<'a, Option<Serving>> {
        Box::pin(async move {
            let store = open_store(config, &Environment::default(), secrets).await;
            let engine = Engine::new(config, secrets, store).expect("the engine starts");
            assert!(self.engine.set(engine).is_ok(), "it is started once");
            None
        })
    }

    fn does<'a>(&'a self, _user: &'a str, deed: Deed<'a>) -> Delivery<'a> {
        match deed {
            Deed::Types { line, .. } => Delivery::new(move || {
                Box::pin(async move { Said::Privately(self.answer(line).await) })
            }),
            Deed::Presses { on, label } => Delivery::new(move || {
                assert_eq!(self.shown.borrow().last(), Some(on), "numbers are the last message's");
                Box::pin(async move {
                    self.answer(on.handle(label)).await;
                    Said::Nothing
                })
            }),
            _ => panic!("nobody can do that at a terminal"),
        }
    }

    fn messages(&self, _channel: &str) -> Vec<Shown> {
        self.shown.borrow().clone()
    }

    /// Whatever a line brings about has happened when it is answered.
    fn until<'a>(
        &'a self,
        awaited: &'a str,
        look: &'a mut dyn FnMut() -> bool,
    ) -> LocalBoxFuture<'a, anyhow::Result<()>> {
        let there = look();
        Box::pin(ready(there.then_some(()).ok_or_else(|| anyhow::anyhow!("there is no {awaited}"))))
    }

    /// A terminal obeys control characters: there are none.
    fn judge(&self) {
        for shown in self.shown.borrow().iter() {
            let odd = shown.text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{}", shown.text);
        }
    }
}
