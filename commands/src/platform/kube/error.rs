//! kube's errors as causes that a person acts on.

use super::super::error::KEPT;
use super::super::{Cause, PlatformError, transport};
use super::connect;

use kube::client::AuthError;

/// The cause and the server's words.
pub(super) fn classify(error: &kube::Error) -> (Cause, String) {
    match error {
        kube::Error::Api(status) => {
            let cause = match status.code {
                400 | 405 | 410 | 415 | 422 => Cause::Invalid,
                401 => Cause::Unauthenticated,
                403 => Cause::Forbidden,
                404 => Cause::NotFound,
                409 => Cause::Conflict,
                429 | 503 => Cause::Busy,
                code => Cause::Http(code),
            };
            // kube puts a whole unparsed body here; one line of it says enough.
            let words = status.message.lines().next().unwrap_or_default();
            (cause, words.chars().take(KEPT).collect())
        }
        // The parser's words may quote the answer.
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => (Cause::Malformed, String::new()),
        kube::Error::Auth(error) => (Cause::Unauthenticated, connect::refused(error)),
        kube::Error::UpgradeConnection(refused) => upgrade(refused),
        // A credential plugin that is run again when its token expires fails inside the request.
        kube::Error::Service(inner) if let Some(error) = inner.downcast_ref::<AuthError>() => {
            (Cause::Unauthenticated, connect::refused(error))
        }
        _ => {
            let cause = transport::cause(error);
            (cause, transport::words(cause, error))
        }
    }
}

/// A WebSocket that was not granted carries the HTTP status.
fn upgrade(error: &kube::client::UpgradeConnectionError) -> (Cause, String) {
    let cause = match error {
        kube::client::UpgradeConnectionError::ProtocolSwitch(status) => match status.as_u16() {
            401 => Cause::Unauthenticated,
            403 => Cause::Forbidden,
            404 => Cause::NotFound,
            400 | 422 => Cause::Invalid,
            code => Cause::Http(code),
        },
        _ => Cause::Malformed,
    };
    (cause, error.to_string())
}

/// What to do, where the cause alone does not say it.
pub(super) fn advise(error: PlatformError) -> PlatformError {
    match error.cause {
        Cause::Unauthenticated => error.hint("renew the credentials in the kubeconfig"),
        Cause::Forbidden => error.hint("grant nova's account a role that may do this"),
        Cause::Refused | Cause::UnknownHost => {
            error.hint("check the server's address in the kubeconfig")
        }
        Cause::Misconfigured => error.hint("see `kubeconfig` and `context` of this cluster"),
        _ => error,
    }
}
