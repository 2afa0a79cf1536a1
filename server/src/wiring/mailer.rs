//! Mail: through SMTP where a mail server is configured, else as files in the outbox folder. What is
//! written in a mail comes from templates that a test renders; the link in it is the only secret,
//! and it stands in no log line. Mails about tokens hold names, hints and links, and no secret.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use askama::Template;
use async_trait::async_trait;
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use model::cause::Cause;
use model::{Clock, Entropy, Timestamp};
use service::ports::{Delivery, Mail, MailError, Mailer, TokenMail};

use crate::config::{self, Encryption};
use crate::failure::Failure;

const PATIENCE: Duration = Duration::from_secs(15);

/// Where mails go.
#[derive(Debug)]
enum Way {
    Server(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

/// Hands mails over.
#[derive(Debug)]
pub struct Post {
    from: Mailbox,
    way: Way,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Template)]
#[template(path = "mail/invitation.txt")]
struct InvitationText<'a>(&'a Invitation<'a>);

#[derive(Template)]
#[template(path = "mail/invitation.html")]
struct InvitationHtml<'a>(&'a Invitation<'a>);

struct Invitation<'a> {
    inviter: &'a str,
    role: &'a str,
    tenant: Option<&'a str>,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/token_reminder.txt")]
struct ReminderText<'a>(&'a Reminder<'a>);

#[derive(Template)]
#[template(path = "mail/token_reminder.html")]
struct ReminderHtml<'a>(&'a Reminder<'a>);

struct Reminder<'a> {
    about: &'a TokenMail<'a>,
    at: &'a str,
    left: &'a str,
}

#[derive(Template)]
#[template(path = "mail/token_leaked.txt")]
struct LeakedText<'a>(&'a Leaked<'a>);

#[derive(Template)]
#[template(path = "mail/token_leaked.html")]
struct LeakedHtml<'a>(&'a Leaked<'a>);

struct Leaked<'a> {
    about: &'a TokenMail<'a>,
    place: &'a str,
    revoked: bool,
}

#[derive(Template)]
#[template(path = "mail/alarm.txt")]
struct AlarmText<'a>(&'a Alarm<'a>);

#[derive(Template)]
#[template(path = "mail/alarm.html")]
struct AlarmHtml<'a>(&'a Alarm<'a>);

struct Alarm<'a> {
    sentence: &'a str,
    next: &'a str,
    link: &'a str,
}

impl Post {
    /// Takes the configured way; `outbox` is the folder for mails that have none.
    ///
    /// # Errors
    /// A sentence when the settings cannot be used.
    pub fn new(
        mail: &config::Mail,
        outbox: PathBuf,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Failure> {
        let from = mail.from.parse().map_err(|error| {
            Failure::usage(format!(
                "mail.from is \"{}\", which is no sender: {error}.",
                mail.from
            ))
        })?;
        let way = match &mail.host {
            Some(host) => Way::Server(smtp(mail, host)?),
            None => Way::Folder(outbox),
        };
        Ok(Self {
            from,
            way,
            clock,
            entropy,
        })
    }

    /// Asks the mail server for a sign of life; for `doctor`.
    ///
    /// # Errors
    /// What it said, or that it said nothing.
    pub async fn test(&self) -> Result<(), MailError> {
        match &self.way {
            Way::Folder(_) => Ok(()),
            Way::Server(server) => match server.test_connection().await {
                Ok(true) => Ok(()),
                Ok(false) => Err(MailError("the mail server does not answer".to_owned())),
                Err(error) => Err(MailError(error.to_string())),
            },
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let to: Mailbox = mail.to.parse().map_err(|_| {
            MailError(format!(
                "{} is no address that mail can be sent to",
                mail.to
            ))
        })?;
        let micros = u64::try_from(self.clock.now().micros()).unwrap_or(0);
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{}@{domain}>", self.name())))
            .multipart(MultiPart::alternative_plain_html(
                mail.text.clone(),
                mail.html.clone(),
            ))
            .map_err(|error| MailError(error.to_string()))
    }

    /// A name that sorts by time and that nothing else has.
    fn name(&self) -> String {
        let mut random = [0; 8];
        self.entropy.fill(&mut random);
        format!(
            "{:016}-{:016x}",
            self.clock.now().micros(),
            u64::from_be_bytes(random)
        )
    }

    async fn keep(&self, folder: &PathBuf, message: &Message) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        tokio::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .await?;
        let path = folder.join(format!("{}.eml", self.name()));
        let mut file = tokio::fs::OpenOptions::from(options).open(path).await?;
        tokio::io::AsyncWriteExt::write_all(&mut file, &message.formatted()).await?;
        file.sync_all().await
    }
}

fn smtp(mail: &config::Mail, host: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let tls = || {
        TlsParameters::new(host.to_owned()).map_err(|error| {
            Failure::usage(format!(
                "TLS cannot be set up for the mail server {host}: {error}."
            ))
        })
    };
    let tls = match mail.encryption {
        Encryption::StartTls => Tls::Required(tls()?),
        Encryption::Tls => Tls::Wrapper(tls()?),
        Encryption::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(mail.port)
        .timeout(Some(PATIENCE))
        .tls(tls);
    if let (Some(user), Some(password)) = (&mail.user, &mail.password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: &Mail) -> Result<Delivery, MailError> {
        let message = self.message(mail)?;
        match &self.way {
            Way::Server(server) => {
                server
                    .send(message)
                    .await
                    .map_err(|error| MailError(error.to_string()))?;
                Ok(Delivery::Sent)
            }
            Way::Folder(folder) => {
                self.keep(folder, &message).await.map_err(|error| {
                    MailError(format!("{} cannot be written: {error}", folder.display()))
                })?;
                Ok(Delivery::Outbox)
            }
        }
    }

    fn invitation(
        &self,
        to: &str,
        inviter: &str,
        role: &str,
        tenant: Option<&str>,
        link: &str,
    ) -> Mail {
        let invitation = Invitation {
            inviter,
            role,
            tenant,
            link,
        };
        let subject = match tenant {
            Some(tenant) => format!("{inviter} invites you to {tenant}"),
            None => format!("{inviter} invites you to Hosted instances"),
        };
        written(
            to,
            &subject,
            &InvitationText(&invitation),
            &InvitationHtml(&invitation),
        )
    }

    fn token_reminder(&self, about: &TokenMail<'_>, expires_at: Timestamp, left: Duration) -> Mail {
        let (at, left) = (expires_at.to_minute(), in_words(left));
        let reminder = Reminder {
            about,
            at: &at,
            left: &left,
        };
        let subject = format!("The token {} expires {left}", about.name);
        written(
            about.to,
            &subject,
            &ReminderText(&reminder),
            &ReminderHtml(&reminder),
        )
    }

    fn token_leaked(&self, about: &TokenMail<'_>, place: &str, revoked: bool) -> Mail {
        let leaked = Leaked {
            about,
            place,
            revoked,
        };
        let end = if revoked {
            "found and revoked"
        } else {
            "found"
        };
        let subject = format!("The token {} was {end}", about.name);
        written(
            about.to,
            &subject,
            &LeakedText(&leaked),
            &LeakedHtml(&leaked),
        )
    }

    fn alarm(&self, to: &str, cause: &Cause, link: &str) -> Mail {
        let sentence = cause.sentence();
        let alarm = Alarm {
            sentence: &sentence,
            next: cause.code.next(),
            link,
        };
        let subject: String = sentence.chars().take(150).collect();
        written(to, &subject, &AlarmText(&alarm), &AlarmHtml(&alarm))
    }
}

fn written(to: &str, subject: &str, text: &impl Template, html: &impl Template) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: one_line(subject),
        // Rendering into a string cannot fail: the templates call nothing that does.
        text: text.render().unwrap_or_default(),
        html: html.render().unwrap_or_default(),
    }
}

/// How far off something is: `in 7 days`.
fn in_words(left: Duration) -> String {
    let hours = left.as_secs().saturating_add(1_800) / 3_600;
    match hours {
        0..=1 => "within the hour".to_owned(),
        2..=22 => format!("in {hours} hours"),
        23..=35 => "in a day".to_owned(),
        _ => format!("in {} days", (hours + 12) / 24),
    }
}

/// A subject is a header: whatever a tenant is called, it is one line.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
#[path = "mailer_tests.rs"]
mod tests;
