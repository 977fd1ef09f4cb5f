//! [`Error`], as every surface reports it: a kind that programs branch on, a sentence for people, and what to do next. One table maps each kind to its exit code, its JSON-RPC code and whether trying again can help.

use std::path::Path;
use std::{fmt, io};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Approval, Sent};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// JSON-RPC 2.0 error code.
    pub code: i32,
    /// One sentence that names what was wrong.
    pub message: String,
    /// What a program branches on.
    pub data: ErrorData,
}

/// The part of an error that programs read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// What kind of error.
    pub kind: Kind,
    /// The same request may succeed later.
    pub retryable: bool,
    /// Not before so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// What to do next.
    pub hint: String,
    /// What an ambiguous name could mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// The message that was waited for: it is durable, and will still be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Box<Sent>>,
    /// What waits for the owner's approval: nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Box<Approval>>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $exit:literal, $code:literal, $retryable:literal, $hint:literal;)*) => {
        /// Kinds of errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The program's exit code.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$kind => $exit,)* }
            }

            /// The JSON-RPC 2.0 error code.
            pub const fn rpc_code(self) -> i32 {
                match self { $(Self::$kind => $code,)* }
            }

            /// The same request may succeed later.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$kind => $retryable,)* }
            }

            const fn hint(self) -> &'static str {
                match self { $(Self::$kind => $hint,)* }
            }
        }
    };
}

kinds! {
    /// The line is not JSON.
    ParseError = 1, -32700, false, "send one JSON-RPC 2.0 object or batch a line";
    /// The JSON is not a JSON-RPC 2.0 request, or the line is too long.
    InvalidRequest = 1, -32600, false, "send one JSON-RPC 2.0 object or batch a line, at most 1 MiB";
    /// There is no such method.
    MethodNotFound = 1, -32601, false, "rpc.discover lists every method";
    /// A parameter is missing, unknown, of the wrong type or out of range.
    InvalidParams = 1, -32602, false, "correct the value that the error names";
    /// The command line is wrong.
    Usage = 1, -32001, false, "sotto COMMAND --help shows what a command takes";
    /// The configuration is wrong.
    Config = 1, -32001, false, "correct it in that file; sotto config check tells whether it is right then";
    /// The profile has no identity yet.
    NotInitialised = 1, -32001, false, "sotto init makes an identity";
    /// The profile has an identity already.
    AlreadyInitialised = 1, -32001, false, "use another --profile or --data-dir for a second identity";
    /// No contact has that name or address.
    UnknownContact = 1, -32001, false, "sotto friends list shows your contacts";
    /// This node is in no such group, and follows no such channel.
    UnknownConversation = 1, -32001, false, "sotto threads lists the conversations";
    /// Several contacts have that name, or an address that begins so.
    AmbiguousContact = 1, -32001, false, "name the contact by more of the onion address";
    /// There is no such message.
    UnknownMessage = 1, -32001, false, "sotto history CONVERSATION --json shows ids";
    /// There is no agent of that name.
    UnknownAgent = 1, -32001, false, "sotto agents list shows the agents";
    /// Nothing waits for approval under that id.
    UnknownApproval = 1, -32001, false, "sotto approvals list shows what waits";
    /// The contact or message is not in a state for this.
    WrongState = 1, -32001, false, "sotto friends list and sotto history show the current state";
    /// The idempotency key was used for another message.
    KeyReused = 1, -32001, false, "use a fresh --id for a different text";
    /// A bug in this program.
    Internal = 2, -32603, false, "please report this; sotto daemon logs may say more";
    /// Files or sockets fail.
    Io = 3, -32003, true, "sotto doctor checks the disk, the permissions and the daemon";
    /// The database is damaged, or made by a newer version.
    Store = 3, -32003, false, "restore a backup, or run the version that wrote it";
    /// The network is not available.
    Network = 3, -32003, true, "sotto doctor tells what is wrong with the network";
    /// The peer's key is not the one that was compared.
    UntrustedKey = 4, -32004, false, "compare the safety number again: sotto friends verify CONTACT";
    /// Too many at once; wait.
    RateLimited = 5, -32005, true, "try again a little later";
    /// The peer declined.
    Refused = 6, -32006, false, "ask the contact outside of Sotto";
    /// No daemon runs for this profile.
    NoDaemon = 7, -32007, true, "sotto daemon start starts it";
    /// The state was not reached within the timeout; the command goes on.
    WaitEnded = 8, -32008, true, "it goes on meanwhile; a longer --timeout waits longer";
    /// The profile is in use by another process.
    InUse = 9, -32009, true, "sotto daemon status shows which process; sotto daemon stop ends it";
    /// No key or passphrase was given.
    Locked = 9, -32009, false, "give --passphrase-file, --passphrase-fd or --key-file";
    /// The key or passphrase does not open the store.
    WrongKey = 9, -32009, false, "check the passphrase or key file";
    /// The owner's rights are needed, and this connection does not have them.
    OwnerRequired = 9, -32009, false, "give the owner's passphrase: sotto asks for it at a terminal, a program calls session.unlock";
    /// Nothing was sent: what was asked for waits until the owner allows it.
    ApprovalRequired = 10, -32011, false, "sotto approvals list shows it, sotto approvals allow ID sends it";
    /// The client's token does not allow this.
    Forbidden = 11, -32012, false, "sotto agents list shows what each agent may do";
    /// The client did not read fast enough and was dropped; nothing is lost in the log.
    Lagged = 3, -32010, true, "reconnect and go on from the last seq";
}

impl Error {
    /// An error of that kind, with the kind's own hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            code: kind.rpc_code(),
            message: message.into(),
            data: ErrorData {
                kind,
                retryable: kind.retryable(),
                retry_after_ms: None,
                hint: kind.hint().to_owned(),
                candidates: Vec::new(),
                sent: None,
                approval: None,
            },
        }
    }

    /// A parameter is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidParams, message)
    }

    /// Something is broken here.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Reading or writing `what` failed. The hint is about how it failed.
    pub fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        let failed = Self::new(Kind::Io, format!("{what}: {error}"));
        match remedy(error.kind()) {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    }

    /// A file that holds a key, a passphrase or a token cannot be read. The hint is about how that failed.
    pub fn unreadable_secret(path: &Path, error: &io::Error) -> Self {
        let failed = Self::new(Kind::Locked, format!("cannot read {}: {error}", path.display()));
        match remedy(error.kind()) {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    }

    /// With another hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.data.hint = hint.into();
        self
    }

    /// With what an ambiguous name could mean.
    #[must_use]
    pub fn candidates(mut self, candidates: Vec<String>) -> Self {
        self.data.candidates = candidates;
        self
    }

    /// With the message that was waited for.
    #[must_use]
    pub fn sent(mut self, sent: Sent) -> Self {
        self.data.sent = Some(Box::new(sent));
        self
    }

    /// With what waits for the owner's approval.
    #[must_use]
    pub fn approval(mut self, approval: Approval) -> Self {
        self.data.approval = Some(Box::new(approval));
        self
    }

    /// Worth trying again after so long.
    #[must_use]
    pub fn retry_after_ms(mut self, millis: u64) -> Self {
        self.data.retry_after_ms = Some(millis);
        self.data.retryable = true;
        self
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        self.data.kind
    }

    /// The program's exit code.
    pub const fn exit_code(&self) -> u8 {
        self.data.kind.exit_code()
    }
}

/// What a person does about a file or socket that fails so; none if that is to be found out.
const fn remedy(failure: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind::{
        AlreadyExists, BrokenPipe, ConnectionAborted, ConnectionReset, FileTooLarge, InvalidFilename, IsADirectory,
        NotADirectory, NotConnected, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        UnexpectedEof,
    };
    match failure {
        StorageFull | QuotaExceeded | FileTooLarge => Some("make room on that disk, then try again"),
        PermissionDenied | ReadOnlyFilesystem => Some("check who may read and write there"),
        NotFound | NotADirectory | IsADirectory | AlreadyExists | InvalidFilename => Some("check the path"),
        BrokenPipe | ConnectionReset | ConnectionAborted | NotConnected | UnexpectedEof => {
            Some("what was at the other end has ended; try again")
        }
        _ => None,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_that_of_the_reference() {
        let error = Error::new(Kind::RateLimited, "too many requests").retry_after_ms(250);
        assert_eq!(
            serde_json::to_value(&error).expect("plain data"),
            serde_json::json!({
                "code": -32005,
                "message": "too many requests",
                "data": {
                    "kind": "rate_limited", "retryable": true, "retry_after_ms": 250, "hint": "try again a little later"
                }
            })
        );
    }

    #[test]
    fn a_hint_about_a_file_is_about_how_it_failed() {
        let hint = |failure| Error::io("standard output", &io::Error::from(failure)).data.hint;
        assert!(hint(io::ErrorKind::StorageFull).contains("disk"));
        for about_no_disk in [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
        ] {
            assert!(!hint(about_no_disk).contains("disk"), "{about_no_disk}");
        }
        assert!(hint(io::ErrorKind::Other).contains("sotto doctor"));
    }

    #[test]
    fn every_exit_code_of_the_reference_is_in_use_and_no_other() {
        let mut codes: Vec<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes, (1..=11).collect::<Vec<u8>>());
    }
}
