//! The cloud providers, and what their own tools are asked: argument lists of ours, and nothing else.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::Platform;
use super::config::ProvidersConfig;
use crate::text::Untrusted;

/// One of the guide's three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Aws,
    Azure,
    Gcp,
}

/// Who the credentials are, and how many machines they see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub account: Untrusted,
    pub user: Untrusted,
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::Aws, Self::Azure, Self::Gcp];

    /// The word for it in paths and on command lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
        }
    }

    /// The provider of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.word() == word)
    }

    /// The Secret with its credentials.
    #[must_use]
    pub fn secret(self, config: &ProvidersConfig) -> &str {
        match self {
            Self::Aws => &config.aws.secret,
            Self::Azure => &config.azure.secret,
            Self::Gcp => &config.gcp.secret,
        }
    }

    /// Asks the provider who we are.
    #[must_use]
    pub fn identity(self) -> Vec<&'static str> {
        match self {
            Self::Aws => vec!["aws", "sts", "get-caller-identity", "--output", "json"],
            Self::Azure => vec!["az", "account", "show", "--output", "json"],
            Self::Gcp => {
                vec!["gcloud", "auth", "list", "--filter=status:ACTIVE", "--format=json"]
            }
        }
    }

    /// Asks the provider how many machines there are.
    #[must_use]
    pub fn instances(self, config: &ProvidersConfig) -> Vec<&str> {
        match self {
            Self::Aws => vec![
                "aws",
                "ec2",
                "describe-instances",
                "--region",
                &config.aws.region,
                "--query",
                "length(Reservations[].Instances[])",
                "--output",
                "json",
            ],
            Self::Azure => vec![
                "az",
                "vm",
                "list",
                "--resource-group",
                &config.azure.resource_group,
                "--query",
                "length(@)",
                "--output",
                "json",
            ],
            Self::Gcp => vec!["gcloud", "compute", "instances", "list", "--format=json(name)"],
        }
    }

    /// Reads the answer to [`Self::identity`]. `None`: nobody is logged in, or it is not understood.
    #[must_use]
    pub fn read_identity(self, answer: &[u8]) -> Option<Identity> {
        let identity = |account: Option<String>, user: Option<String>| {
            Some(Identity { account: account?.into(), user: user?.into() })
        };
        match self {
            Self::Aws => {
                let answer: Caller = serde_json::from_slice(answer).ok()?;
                identity(answer.account, answer.arn)
            }
            Self::Azure => {
                let answer: Subscription = serde_json::from_slice(answer).ok()?;
                identity(answer.name, answer.user.and_then(|user| user.name))
            }
            Self::Gcp => {
                let answer: Vec<Login> = serde_json::from_slice(answer).ok()?;
                let login = answer.into_iter().next()?;
                identity(login.status, login.account)
            }
        }
    }

    /// Reads the answer to [`Self::instances`].
    #[must_use]
    pub fn read_instances(self, answer: &[u8]) -> Option<usize> {
        match serde_json::from_slice(answer).ok()? {
            Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
            Value::Array(list) => Some(list.len()),
            _ => None,
        }
    }
}

/// <https://docs.aws.amazon.com/cli/latest/reference/sts/get-caller-identity.html>
#[derive(Deserialize)]
struct Caller {
    #[serde(rename = "Account")]
    account: Option<String>,
    #[serde(rename = "Arn")]
    arn: Option<String>,
}

/// <https://learn.microsoft.com/cli/azure/account#az-account-show>
#[derive(Deserialize)]
struct Subscription {
    name: Option<String>,
    user: Option<AzureUser>,
}

#[derive(Deserialize)]
struct AzureUser {
    name: Option<String>,
}

/// <https://cloud.google.com/sdk/gcloud/reference/auth/list>
#[derive(Deserialize)]
struct Login {
    account: Option<String>,
    status: Option<String>,
}

impl Platform {
    /// How long a provider's tool may take.
    #[must_use]
    pub fn tool_time(&self) -> Duration {
        Duration::try_from(self.providers.timeout).unwrap_or(self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tools_answer_is_read() {
        let aws = br#"{"UserId":"AIDA","Account":"123456789012","Arn":"arn:aws:iam::123456789012:user/nova"}"#;
        let azure = br#"{"id":"0000","name":"Production","state":"Enabled","user":{"name":"nova@x.io","type":"user"}}"#;
        let gcp = br#"[{"account":"nova@project.iam.gserviceaccount.com","status":"ACTIVE"}]"#;
        let who = |provider: Provider, answer: &[u8]| {
            let identity = provider.read_identity(answer)?;
            Some(format!("{} {}", identity.account.raw(), identity.user.raw()))
        };
        let aws = who(Provider::Aws, aws);
        assert_eq!(aws.as_deref(), Some("123456789012 arn:aws:iam::123456789012:user/nova"));
        assert_eq!(who(Provider::Azure, azure).as_deref(), Some("Production nova@x.io"));
        let gcp = who(Provider::Gcp, gcp);
        assert_eq!(gcp.as_deref(), Some("ACTIVE nova@project.iam.gserviceaccount.com"));
        assert_eq!(who(Provider::Gcp, b"[]"), None);
        assert_eq!(Provider::Aws.read_instances(b"42\n"), Some(42));
        assert_eq!(Provider::Gcp.read_instances(br#"[{"name":"a"},{"name":"b"}]"#), Some(2));
        assert_eq!(Provider::Aws.read_instances(b"null"), None);
    }
}
